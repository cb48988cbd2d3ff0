interface Wait {
  readonly readers: Set<object>;
  readonly resolve: () => void;
}

/**
 * Who reads the head holds numbers of series and of label pairs over turns of the event loop. What is taken out of the
 * head is therefore used again only once everybody has left who was inside at that time.
 */
export class ReadGate {
  readonly #inside = new Set<object>();
  readonly #waits = new Set<Wait>();
  #enteredMs = Number.NEGATIVE_INFINITY;

  /** @returns what to call once nothing that was read is held any more */
  enter(): () => void {
    const reader = {};
    this.#inside.add(reader);
    this.#enteredMs = performance.now();
    return () => {
      this.#inside.delete(reader);
      for (const wait of this.#waits) {
        wait.readers.delete(reader);
        if (wait.readers.size > 0) continue;
        this.#waits.delete(wait);
        wait.resolve();
      }
    };
  }

  /** Whether somebody is inside, or came in during the last so many milliseconds. */
  isBusy(withinMs: number): boolean {
    return this.#inside.size > 0 || performance.now() - this.#enteredMs < withinMs;
  }

  /** Resolves when all who are inside now have left; who comes later is not waited for. */
  left(): Promise<void> {
    if (this.#inside.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waits.add({ readers: new Set(this.#inside), resolve }));
  }
}
