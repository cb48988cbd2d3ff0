/** From the sample at an offset on, those of a slot have this start. */
interface Steps {
  readonly offsets: number[];
  readonly starts: number[];
}

/** What a slot takes beside its steps; bytes. */
const SLOT_BYTES = 120;
const STEP_BYTES = 16;

/**
 * When the counters of a window's slots began to count, in Unix milliseconds, 0 where nobody has said: by slot, and from
 * which time on. Successive samples have the same start mostly, so most slots have one step.
 */
export class StartTimes {
  readonly #slots = new Map<number, Steps>();
  #steps = 0;

  get memoryBytes(): number {
    return this.#slots.size * SLOT_BYTES + this.#steps * STEP_BYTES;
  }

  has(slot: number): boolean {
    return this.#slots.has(slot);
  }

  /** The start of the slot's sample at an offset. */
  get(slot: number, offsetMs: number): number {
    const steps = this.#slots.get(slot);
    if (steps === undefined) return 0;
    const at = countUpTo(steps.offsets, offsetMs);
    return at === 0 ? 0 : steps.starts[at - 1]!;
  }

  /** Notes the start of a sample. @param isNewest whether the slot has no later one */
  set(slot: number, offsetMs: number, startMs: number, isNewest: boolean): void {
    let steps = this.#slots.get(slot);
    if (steps === undefined) {
      if (startMs === 0) return;
      this.#slots.set(slot, (steps = { offsets: [], starts: [] }));
    }
    const before = this.get(slot, offsetMs);
    if (before === startMs) return;
    this.#step(steps, offsetMs, startMs);
    const next = countUpTo(steps.offsets, offsetMs);
    // The samples behind keep theirs.
    if (!isNewest && steps.offsets[next] !== offsetMs + 1) this.#step(steps, offsetMs + 1, before);
  }

  #step({ offsets, starts }: Steps, offsetMs: number, startMs: number): void {
    const at = countUpTo(offsets, offsetMs);
    if (at > 0 && offsets[at - 1] === offsetMs) starts[at - 1] = startMs;
    else {
      offsets.splice(at, 0, offsetMs);
      starts.splice(at, 0, startMs);
      this.#steps++;
    }
  }
}

/** How many of ascending numbers are not above `limit`. */
function countUpTo(numbers: readonly number[], limit: number): number {
  if (numbers.length === 0 || numbers[numbers.length - 1]! <= limit) return numbers.length;
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
