import { LogError } from '../errors.ts';
import { VarintCursor, varintLength, writeVarint } from '../varint.ts';

const version = 3;

/** Where a directory page is and what its first entry is about. */
export interface DirectoryPageRef {
  readonly page: number;
  readonly firstKey: Uint8Array;
  /** Sequence of the first record of its first run. */
  readonly firstSequence: number;
  /** Position of that record: its byte among all data pages one behind the other. */
  readonly firstPosition: number;
}

/** Where a page of arrivals is and what its first entry says. */
export interface TimePageRef {
  readonly page: number;
  /** ms since 1970 */
  readonly firstTimeMs: number;
  /** Relative to the segment's first. */
  readonly firstRecord: number;
}

/** Where the data pages are, in order. */
export interface DataPageRefs {
  readonly pages: Uint32Array;
  /** Position of the first byte of each page, and at last the end of all. */
  readonly positions: Float64Array;
}

/** What a sealed segment keeps in memory: its place in the sequence and the way into its directory. */
export interface SegmentDescriptor {
  readonly segmentId: number;
  readonly startSequence: number;
  readonly recordCount: number;
  /** Number of distinct keys. */
  readonly keyCount: number;
  /** Arrival of the first and of the last record, ms since 1970. */
  readonly startTimeMs: number;
  readonly endTimeMs: number;
  /** Bytes of all values and attributes. */
  readonly valueBytes: number;
  /** The first of the order pages, which lie one behind the other. */
  readonly orderPage: number;
  /** The first page of the key filter, and how many there are: none where the directory is as small. */
  readonly filterPage: number;
  readonly filterPages: number;
  readonly data: DataPageRefs;
  readonly directory: readonly DirectoryPageRef[];
  readonly times: readonly TimePageRef[];
}

/**
 * The descriptor's bytes: a version byte, varints, each time page's number, time and record, each data page's distance
 * from the one before and length, then each directory page's number, sequence, position and key.
 */
export function encodeDescriptor(descriptor: SegmentDescriptor): Uint8Array {
  const { data } = descriptor;
  const head = [
    descriptor.segmentId,
    descriptor.startSequence,
    descriptor.recordCount,
    descriptor.keyCount,
    descriptor.startTimeMs,
    descriptor.endTimeMs,
    descriptor.valueBytes,
    descriptor.orderPage,
    descriptor.filterPage,
    descriptor.filterPages,
    descriptor.times.length,
    data.pages.length,
    descriptor.directory.length,
    ...descriptor.times.flatMap(({ page, firstTimeMs, firstRecord }) => [page, firstTimeMs, firstRecord]),
  ];
  data.pages.forEach((page, i) => {
    head.push(page - (i === 0 ? 0 : data.pages[i - 1]!), data.positions[i + 1]! - data.positions[i]!);
  });
  let length = 1;
  for (const value of head) length += varintLength(value);
  for (const { page, firstSequence, firstPosition, firstKey } of descriptor.directory) {
    length += varintLength(page) + varintLength(firstSequence) + varintLength(firstPosition);
    length += varintLength(firstKey.length) + firstKey.length;
  }
  const bytes = new Uint8Array(length);
  bytes[0] = version;
  let offset = 1;
  for (const value of head) offset = writeVarint(bytes, offset, value);
  for (const { page, firstSequence, firstPosition, firstKey } of descriptor.directory) {
    offset = writeVarint(bytes, offset, page);
    offset = writeVarint(bytes, offset, firstSequence);
    offset = writeVarint(bytes, offset, firstPosition);
    offset = writeVarint(bytes, offset, firstKey.length);
    bytes.set(firstKey, offset);
    offset += firstKey.length;
  }
  return bytes;
}

/** @throws LogError corrupt */
export function decodeDescriptor(bytes: Uint8Array): SegmentDescriptor {
  if (bytes[0] !== version) {
    throw new LogError(
      'corrupt',
      `segment descriptor of an unknown version: ${bytes[0]}; this release reads version ${version} only`,
    );
  }
  const cursor = new VarintCursor();
  cursor.reset(bytes, 1, bytes.length);
  const head = {
    segmentId: cursor.next(),
    startSequence: cursor.next(),
    recordCount: cursor.next(),
    keyCount: cursor.next(),
    startTimeMs: cursor.next(),
    endTimeMs: cursor.next(),
    valueBytes: cursor.next(),
    orderPage: cursor.next(),
    filterPage: cursor.next(),
    filterPages: cursor.next(),
  };
  const timePages = cursor.next();
  const dataPages = cursor.next();
  const directoryPages = cursor.next();
  if (cursor.failed || dataPages > bytes.length) throw cutShort();
  const times: TimePageRef[] = [];
  for (let i = 0; i < timePages && !cursor.failed; i++) {
    times.push({ page: cursor.next(), firstTimeMs: cursor.next(), firstRecord: cursor.next() });
  }
  const data = readDataPages(cursor, dataPages);
  const directory: DirectoryPageRef[] = [];
  for (let i = 0; i < directoryPages && !cursor.failed; i++) {
    const page = cursor.next();
    const firstSequence = cursor.next();
    const firstPosition = cursor.next();
    const keyStart = cursor.skip(cursor.next());
    directory.push({ page, firstSequence, firstPosition, firstKey: bytes.slice(keyStart, cursor.offset) });
  }
  if (cursor.failed || cursor.offset !== cursor.end) throw cutShort();
  return { ...head, data, directory, times };
}

function readDataPages(cursor: VarintCursor, count: number): DataPageRefs {
  const pages = new Uint32Array(count);
  const positions = new Float64Array(count + 1);
  let page = 0;
  for (let i = 0; i < count; i++) {
    page += cursor.next();
    pages[i] = page;
    positions[i + 1] = positions[i]! + cursor.next();
  }
  return { pages, positions };
}

function cutShort(): LogError {
  return new LogError('corrupt', 'segment descriptor is cut short');
}
