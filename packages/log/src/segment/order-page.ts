import { LogError } from '../errors.ts';
import { littleEndian } from './little-endian.ts';

const version = 1;
const headBytes = 1;

/** Positions in one page, which then has 64 KiB. */
export const positionsPerPage = 16_384;

/**
 * A page that says where each record is, in the order of the sequence: a version byte, then for each record its byte
 * position among all data pages one behind the other (u32, little endian). Page `n` is about the records from
 * `n * positionsPerPage` on.
 */
export function encodeOrderPage(positions: Uint32Array, from: number): Uint8Array {
  const words = littleEndian(positions.subarray(from, from + positionsPerPage));
  const bytes = Buffer.allocUnsafe(headBytes + words.length);
  bytes[0] = version;
  bytes.set(words, headBytes);
  return bytes;
}

/** Reads a page that {@link encodeOrderPage} wrote. */
export class OrderPage {
  readonly count: number;
  private readonly view: DataView;

  /** @throws LogError corrupt */
  constructor(bytes: Uint8Array) {
    if (bytes[0] !== version) throw new LogError('corrupt', `order page of an unknown version: ${bytes[0]}`);
    if ((bytes.length - headBytes) % 4 !== 0) throw new LogError('corrupt', 'order page is cut short');
    this.count = (bytes.length - headBytes) / 4;
    this.view = new DataView(bytes.buffer, bytes.byteOffset + headBytes, bytes.length - headBytes);
  }

  /** Position of record `index` of the page. */
  positionAt(index: number): number {
    return this.view.getUint32(index * 4, true);
  }
}
