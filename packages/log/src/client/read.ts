import type { ReadOptions } from './log-client.ts';
import type { LogPort, Page, Target } from './log-port.ts';
import type { ReadRecord } from './records.ts';

const pageRecords = 4096;
/** The server answers at most so many in reverse order. */
const reversePageRecords = 1024;

type Try = <T>(attempt: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** Reads page by page. The next page is on its way while the records of one are taken. */
export async function* readPages(
  port: LogPort,
  target: Target,
  options: ReadOptions,
  trying: Try,
): AsyncGenerator<ReadRecord> {
  const { reverse = false, onlyDurable: durable = false } = options;
  let { end, startTimeMs, last } = options;
  let start = options.start ?? 0;
  let left = Math.min(options.limit ?? Number.POSITIVE_INFINITY, last ?? Number.POSITIVE_INFINITY);
  const ask = (): Promise<Page> => {
    const limit = Math.min(left, reverse ? reversePageRecords : pageRecords);
    const query = { start, end, limit, startTimeMs, last, reverse, durable, followMs: undefined };
    return trying((signal) => port.page(target, query, signal));
  };
  let asked = left > 0 ? ask() : undefined;
  while (asked !== undefined) {
    const { records, nextSequence }: Page = await asked;
    left -= records.length;
    if (last !== undefined) last = Math.max(0, last - records.length);
    if (reverse) end = nextSequence;
    else {
      start = nextSequence;
      // Sought once: the rest of the range is what comes behind the first page.
      last = undefined;
      startTimeMs = undefined;
    }
    const isOver = records.length === 0 || left <= 0 || start >= (end ?? Number.POSITIVE_INFINITY);
    asked = isOver ? undefined : ask();
    // Nobody may come for it, if the reader leaves the loop.
    asked?.catch(() => undefined);
    yield* records;
  }
}
