import { LogError } from './errors.ts';
import { VarintCursor, varintLength, writeVarint } from './varint.ts';

/** Name of the row that says where the log begins. */
export const expiredRowName = 'expired';

const version = 1;

/** Everything before `endSequence` has expired. */
export interface Expired {
  readonly endSequence: number;
  /** The last segment that has expired. */
  readonly segmentId: number;
}

export function encodeExpired({ endSequence, segmentId }: Expired): Uint8Array {
  const bytes = new Uint8Array(1 + varintLength(endSequence) + varintLength(segmentId));
  bytes[0] = version;
  writeVarint(bytes, writeVarint(bytes, 1, endSequence), segmentId);
  return bytes;
}

/** @throws LogError corrupt */
export function decodeExpired(bytes: Uint8Array): Expired {
  const cursor = new VarintCursor();
  cursor.reset(bytes, 1, bytes.length);
  const endSequence = cursor.next();
  const segmentId = cursor.next();
  if (bytes[0] !== version || cursor.failed || cursor.offset !== cursor.end) {
    throw new LogError('corrupt', 'the row that says where the log begins is not readable');
  }
  return { endSequence, segmentId };
}
