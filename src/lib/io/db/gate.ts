/** Lets one caller at a time through, in the order of arrival: one connection serves one transaction at a time. */
export class Gate {
  #last: Promise<void> = Promise.resolve();

  /** Waits for the turn; call the returned function when done. */
  async enter(): Promise<() => void> {
    let leave: () => void = () => {};
    const before = this.#last;
    this.#last = new Promise((resolve) => {
      leave = resolve;
    });
    await before;
    return leave;
  }
}
