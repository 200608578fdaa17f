/** Cases of one property: 20,000 in a usual run; PROPERTY_CASES=100000 before a release. */
export const CASES = Number(process.env.PROPERTY_CASES ?? 20_000);
