// Owns the record of what a command has made: each thing is noted as it is made, with the way to take it back. Only what is noted is
// taken back, the last first, and one that cannot be does not keep the rest (docs/decisions/0014).

type TakeBack = () => void | Promise<void>;

export class Made {
  readonly #steps: TakeBack[] = [];
  #forget: TakeBack | undefined;

  /** `forget` removes the container's own record, its state: the last of all, and only if nothing else is left. */
  constructor(forget: TakeBack) {
    this.#forget = forget;
  }

  /** Notes something that has been made, or is about to be: taking back what was not made after all must do nothing. */
  note(takeBack: TakeBack): void {
    this.#steps.push(takeBack);
  }

  /** Takes everything back, once. Throws the first failure, after all the rest has been tried. */
  async takeBack(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) await attempt(step, failures);
    if (failures.length === 0 && this.#forget !== undefined) {
      const forget = this.#forget;
      this.#forget = undefined;
      await attempt(forget, failures);
    }
    if (failures.length > 0) throw failures[0];
  }
}

async function attempt(step: TakeBack, failures: unknown[]): Promise<void> {
  try {
    await step();
  } catch (error) {
    failures.push(error);
  }
}
