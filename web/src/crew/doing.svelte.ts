/** One thing at a time: a second tap does nothing until the first is done. */
export class Doing {
  /** The device could not write it down; nothing was changed. */
  full = $state(false);
  #busy = false;

  async run(work: () => Promise<void>, ondone: () => void): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    this.full = false;
    try {
      await work();
      ondone();
    } catch {
      this.full = true;
    } finally {
      this.#busy = false;
    }
  }
}
