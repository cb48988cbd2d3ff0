import type { BlockInfo, BlockReads, BlockWriter } from '@opendata/storage';
import { BlockSet } from '../block/block-set.ts';
import { BLOCK_KIND } from '../block/index/block-format.ts';
import { encodeDescriptor } from '../block/index/descriptor.ts';
import { writeBlock } from '../block/write-block.ts';
import { ExemplarRing } from '../head/exemplars.ts';
import { Head } from '../head/head.ts';
import { encodeLabels } from '../head/label-bytes.ts';
import { type ReadSources, type TimeSeriesDbStats, TimeSeriesReads } from '../read/time-series-reads.ts';
import { headSource } from '../seal/head-source.ts';

const WINDOW_MS = 3_600_000;
const INTERVAL_MS = 15_000;
const CACHE_BYTES = 16 * 1024 * 1024;
const INSTANCES = 6;
const BOUNDS = ['0.005', '0.01', '0.05', '0.1', '0.5', '1', '5', '+Inf'];

/** A small database of made-up series: an hour in a block, and the next one in memory. */
export class WarmUpData extends TimeSeriesReads {
  /** Start of the data, Unix ms. */
  static readonly startMs = 1_700_000_000_000 - (1_700_000_000_000 % WINDOW_MS);
  /** End of what is in the block, start of what is in memory. */
  static readonly middleMs = WarmUpData.startMs + WINDOW_MS;
  static readonly endMs = WarmUpData.middleMs + WINDOW_MS;

  readonly #sources: ReadSources;

  private constructor(sources: ReadSources) {
    super({ now: () => WarmUpData.endMs, retentionMs: undefined });
    this.#sources = sources;
    this.show(sources);
  }

  static async create(yielder: () => Promise<void>): Promise<WarmUpData> {
    const head = new Head(WINDOW_MS);
    const early = head.openWindow(WarmUpData.startMs);
    for (const window of [early, head.openWindow(WarmUpData.middleMs)]) {
      let number = 0;
      for (const labels of labelSets()) {
        const slot = window.addSlot(head.series.resolveOne(encodeLabels(labels)));
        const value = valuesOf(labels[1]!, number++);
        // Every eleventh series begins late.
        const firstMs = number % 11 === 0 ? WINDOW_MS * 0.7 : 0;
        const offsets = Int32Array.from(
          { length: (WINDOW_MS - firstMs) / INTERVAL_MS },
          (_, i) => firstMs + i * INTERVAL_MS,
        );
        const slots = new Uint32Array(offsets.length).fill(slot);
        window.append(
          slots,
          offsets,
          Float64Array.from(offsets, (_, i) => value(i)),
          offsets.length,
        );
        if (number % 32 === 0) await yielder();
      }
    }
    const stored = await storedBlock(head, yielder);
    head.drop(early);
    return new WarmUpData({ head, blocks: new BlockSet(stored, CACHE_BYTES), exemplars: new ExemplarRing(1) });
  }

  /** The same data as databases of so many classes. */
  ofClasses(count: number): WarmUpData[] {
    return Array.from({ length: count }, () => new (class extends WarmUpData {})(this.#sources));
  }

  /** @throws Error always: nobody asks */
  stats(): TimeSeriesDbStats {
    throw new Error('no statistics are kept');
  }
}

/** The first window as the only block of a store in memory. */
async function storedBlock(head: Head, yielder: () => Promise<void>): Promise<BlockReads> {
  const windows = head.windowsBefore(WarmUpData.middleMs);
  const pages: Uint8Array[] = [];
  const writer: Pick<BlockWriter, 'writePage'> = { writePage: async (page) => pages.push(page.slice()) - 1 };
  const descriptor = await writeBlock(
    writer as BlockWriter,
    [await headSource(head, windows, new ExemplarRing(1), yielder)],
    { startMs: WarmUpData.startMs, endMs: WarmUpData.middleMs, rank: 1, yielder },
  );
  const sizeBytes = pages.reduce((sum, { length }) => sum + length, 0);
  const info: BlockInfo = {
    id: 1,
    kind: BLOCK_KIND,
    descriptor: encodeDescriptor(descriptor),
    pages: pages.length,
    sealedLanes: [],
    sizeBytes,
  };
  return { list: () => [info], readPages: async (_block, first, count) => pages.slice(first, first + count) };
}

/** The value at each scrape: counters ascend, sizes are always the same, and the rest goes up and down. */
function valuesOf(name: string, number: number): (scrape: number) => number {
  const rate = (number % 17) + 1;
  if (/_(total|bucket|count)$/.test(name)) return (scrape) => rate * scrape;
  if (/(?:^up|_info|_size_bytes)$/.test(name)) return () => (number % 5 === 0 ? 0 : 1);
  return (scrape) => rate + Math.sin(scrape / rate);
}

/** Labels sorted by name. */
function* labelSets(): Generator<string[]> {
  for (let i = 0; i < INSTANCES; i++) {
    const where = ['instance', `10.0.0.${i}:9100`, 'job', i % 3 < 2 ? 'node' : 'api', 'zone', `zone-${i % 3}`];
    yield ['__name__', 'up', ...where];
    if (i === 0) yield ['__name__', 'warmup_start_Seconds', ...where];
    yield ['__name__', 'warmup_info', ...where.slice(0, 4), 'version', `1.${i % 4}.0`];
    for (const device of ['eth0', 'eth1', 'lo']) {
      yield ['__name__', 'warmup_bytes_total', 'device', device, ...where];
      yield ['__name__', 'warmup_free_bytes', 'device', device, ...where];
      yield ['__name__', 'warmup_size_bytes', 'device', device, ...where];
    }
    for (const code of ['200', '404', '500']) {
      yield ['__name__', 'warmup_requests_total', 'code', code, ...where];
      for (const le of BOUNDS) {
        if (i === 1 && le === '5') continue;
        yield ['__name__', 'warmup_seconds_bucket', 'handler', `/api/${code}`, ...where.slice(0, 4), 'le', le];
      }
    }
  }
}
