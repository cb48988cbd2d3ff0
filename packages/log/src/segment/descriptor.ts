import { LogError } from '../errors.ts';
import { VarintCursor, varintLength, writeVarint } from '../varint.ts';

const version = 2;

/** Where a directory page is and what its first entry is about. */
export interface DirectoryPageRef {
  readonly page: number;
  readonly firstKey: Uint8Array;
  /** Sequence of the first record of its first run. */
  readonly firstSequence: number;
}

/** Where a page of arrivals is and what its first entry says. */
export interface TimePageRef {
  readonly page: number;
  /** ms since 1970 */
  readonly firstTimeMs: number;
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
  readonly directory: readonly DirectoryPageRef[];
  readonly times: readonly TimePageRef[];
}

/**
 * The descriptor's bytes: a version byte, varints, each time page's number and time, then each directory page's number,
 * sequence and key.
 */
export function encodeDescriptor(descriptor: SegmentDescriptor): Uint8Array {
  const head = [
    descriptor.segmentId,
    descriptor.startSequence,
    descriptor.recordCount,
    descriptor.keyCount,
    descriptor.startTimeMs,
    descriptor.endTimeMs,
    descriptor.valueBytes,
    descriptor.directory.length,
    descriptor.times.length,
    ...descriptor.times.flatMap(({ page, firstTimeMs }) => [page, firstTimeMs]),
  ];
  let length = 1;
  for (const value of head) length += varintLength(value);
  for (const ref of descriptor.directory) {
    length += varintLength(ref.page) + varintLength(ref.firstSequence);
    length += varintLength(ref.firstKey.length) + ref.firstKey.length;
  }
  const bytes = new Uint8Array(length);
  bytes[0] = version;
  let offset = 1;
  for (const value of head) offset = writeVarint(bytes, offset, value);
  for (const ref of descriptor.directory) {
    offset = writeVarint(bytes, offset, ref.page);
    offset = writeVarint(bytes, offset, ref.firstSequence);
    offset = writeVarint(bytes, offset, ref.firstKey.length);
    bytes.set(ref.firstKey, offset);
    offset += ref.firstKey.length;
  }
  return bytes;
}

/** @throws LogError corrupt */
export function decodeDescriptor(bytes: Uint8Array): SegmentDescriptor {
  if (bytes[0] !== version) throw new LogError('corrupt', `segment descriptor of an unknown version: ${bytes[0]}`);
  const cursor = new VarintCursor();
  cursor.reset(bytes, 1, bytes.length);
  const segmentId = cursor.next();
  const startSequence = cursor.next();
  const recordCount = cursor.next();
  const keyCount = cursor.next();
  const startTimeMs = cursor.next();
  const endTimeMs = cursor.next();
  const valueBytes = cursor.next();
  const pages = cursor.next();
  const timePages = cursor.next();
  const times: TimePageRef[] = [];
  for (let i = 0; i < timePages && !cursor.failed; i++) times.push({ page: cursor.next(), firstTimeMs: cursor.next() });
  const directory: DirectoryPageRef[] = [];
  for (let i = 0; i < pages && !cursor.failed; i++) {
    const page = cursor.next();
    const firstSequence = cursor.next();
    const keyStart = cursor.skip(cursor.next());
    directory.push({ page, firstSequence, firstKey: bytes.slice(keyStart, cursor.offset) });
  }
  if (cursor.failed || cursor.offset !== cursor.end) throw new LogError('corrupt', 'segment descriptor is cut short');
  return { segmentId, startSequence, recordCount, keyCount, startTimeMs, endTimeMs, valueBytes, directory, times };
}
