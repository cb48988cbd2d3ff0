import type { ArrivalTimes } from './arrival-times.ts';

/** Records for which one number says where to begin. */
const stride = 16;

/** The arrivals of a head that takes no more records, for those who ask for them in no order. */
export class ArrivalLookup {
  private readonly times: ArrivalTimes;
  /** For each so many records the entry of {@link ArrivalTimes} that the first of them is in. */
  private readonly entries: Uint32Array;

  constructor(times: ArrivalTimes, recordCount: number) {
    this.times = times;
    this.entries = new Uint32Array(Math.ceil(recordCount / stride));
    let entry = 0;
    for (let i = 0; i < this.entries.length; i++) {
      entry = this.entryOf(i * stride, entry);
      this.entries[i] = entry;
    }
  }

  /** Arrival of `record`, ms since 1970. */
  timeOf(record: number): number {
    return this.times.timeAt(this.entryOf(record, this.entries[Math.floor(record / stride)]!));
  }

  private entryOf(record: number, from: number): number {
    const { times } = this;
    let entry = from;
    while (entry + 1 < times.count && times.recordAt(entry + 1) <= record) entry++;
    return entry;
  }
}
