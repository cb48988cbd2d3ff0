import type { SegmentDescriptor } from './descriptor.ts';
import type { SegmentPages } from './segment-pages.ts';
import { decodeTimePage, type TimePage } from './time-page.ts';

/** The arrivals of records that are asked for one behind the other; keeps one page of them. */
export class TimeWalk {
  private readonly descriptor: SegmentDescriptor;
  private readonly pages: SegmentPages;
  private index = -1;
  private page: TimePage | undefined;

  constructor(descriptor: SegmentDescriptor, pages: SegmentPages) {
    this.descriptor = descriptor;
    this.pages = pages;
  }

  /** Arrival of `record` (relative to the segment), ms since 1970. @throws LogError corrupt */
  timeOf(record: number): number | Promise<number> {
    const { times, startTimeMs } = this.descriptor;
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (times[middle]!.firstRecord <= record) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    if (index < 0) return startTimeMs;
    if (index === this.index) return this.find(record);
    return this.pages.read(times[index]!.page, 1).then(([bytes]) => {
      this.page = decodeTimePage(bytes!, startTimeMs);
      this.index = index;
      return this.find(record);
    });
  }

  private find(record: number): number {
    const { records, timesMs } = this.page!;
    let low = 0;
    let high = records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (records[middle]! <= record) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? this.descriptor.startTimeMs : timesMs[low - 1]!;
  }
}
