/** Cases of one property; PROPERTY_CASES=1000 for a quick look. */
export const CASES = Number(process.env.PROPERTY_CASES ?? 100_000);
