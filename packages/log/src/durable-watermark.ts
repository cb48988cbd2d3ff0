/** Follows the journal's commits: up to which sequence the log is durable. */
export class DurableWatermark {
  private readonly groups: number[] = [];
  private readonly ends: number[] = [];
  private readonly listeners = new Set<(sequence: number) => void>();
  /** Everything before this sequence is durable. */
  sequence: number;

  constructor(sequence: number) {
    this.sequence = sequence;
  }

  /** The records before `end` are durable once `group` is. */
  push(group: number, end: number): void {
    const last = this.groups.length - 1;
    if (last >= 0 && this.groups[last] === group) this.ends[last] = end;
    else {
      this.groups.push(group);
      this.ends.push(end);
    }
  }

  /** `group` and those before it are durable. */
  reach(group: number): void {
    let done = 0;
    while (done < this.groups.length && this.groups[done]! <= group) done++;
    if (done === 0) return;
    this.sequence = this.ends[done - 1]!;
    this.groups.splice(0, done);
    this.ends.splice(0, done);
    for (const listener of this.listeners) listener(this.sequence);
  }

  /** Calls `listener` with the new watermark whenever it rises; returns what ends that. */
  subscribe(listener: (sequence: number) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
