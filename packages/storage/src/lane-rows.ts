/**
 * Which journal rows a lane has, without a list of them: runs of consecutive groups, and the few groups whose part of
 * the lane needs more than one row.
 */
export class LaneRows {
  /** Pairs: first and last group of a run. */
  readonly #runs: number[] = [];
  readonly #parts = new Map<number, number>();
  #sizeBytes = 0;

  get firstGroup(): number {
    return this.#runs[0] ?? Number.POSITIVE_INFINITY;
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  /** Bytes of all rows. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Groups are added in rising order; `sizeBytes` are those that were not added before. */
  add(group: number, parts: number, sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
    const runs = this.#runs;
    const last = runs[runs.length - 1];
    if (last !== undefined && group <= last + 1) runs[runs.length - 1] = Math.max(group, last);
    else runs.push(group, group);
    if (parts > (this.#parts.get(group) ?? 1)) this.#parts.set(group, parts);
  }

  /** Every row, as its group and part. */
  *rows(): Generator<readonly [group: number, part: number]> {
    for (let run = 0; run < this.#runs.length; run += 2) {
      for (let group = this.#runs[run]!; group <= this.#runs[run + 1]!; group++) {
        const parts = this.#parts.get(group) ?? 1;
        for (let part = 0; part < parts; part++) yield [group, part];
      }
    }
  }
}
