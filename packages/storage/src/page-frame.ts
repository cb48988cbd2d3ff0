import { crc32 } from 'node:zlib';
import { StorageError } from './errors.ts';

/*
 * A page row:        version u8 | CRC-32 u32 LE | bytes
 * A descriptor row:  the same around its own encoding
 *
 * The checksum also covers where the page belongs, so that a page under another key is not taken for this one.
 */
const version = 1;
const headerBytes = 5;
const pooledBytes = 160 * 1024;
const pooledBuffers = 64;
const place = new Uint8Array(12);
const placeView = new DataView(place.buffer);

/** Buffers of written pages that are free to be used again, so that a block in the making leaves no garbage. */
export class PageBuffers {
  readonly #free: Buffer[] = [];

  take(sizeBytes: number): Buffer {
    const buffer = this.#free.pop();
    if (buffer !== undefined && buffer.length >= sizeBytes) return buffer;
    return Buffer.allocUnsafeSlow(Math.max(sizeBytes, pooledBytes));
  }

  give(value: Uint8Array): void {
    const { buffer, byteOffset } = value;
    if (this.#free.length < pooledBuffers && byteOffset === 0 && buffer.byteLength < 2 * pooledBytes) {
      this.#free.push(Buffer.from(buffer));
    }
  }
}

/** Copies the page behind its header. */
export function framePage(block: number, page: number, bytes: Uint8Array, buffers?: PageBuffers): Uint8Array {
  const sizeBytes = headerBytes + bytes.length;
  const value = buffers?.take(sizeBytes).subarray(0, sizeBytes) ?? Buffer.allocUnsafeSlow(sizeBytes);
  value[0] = version;
  value.writeUInt32LE(checksum(block, page, bytes), 1);
  value.set(bytes, headerBytes);
  return value;
}

/** The page as a view of the row's value. @throws StorageError `corrupt`, naming block and page */
export function unframePage(block: number, page: number, value: Uint8Array): Uint8Array {
  const bytes = value.subarray(headerBytes);
  const stored = value.length < headerBytes ? -1 : new DataView(value.buffer, value.byteOffset).getUint32(1, true);
  if (value[0] === version && stored === checksum(block, page, bytes)) return bytes;
  const why = value[0] === version ? 'checksum does not match' : `version ${value[0]}, expected ${version}`;
  const what = page === descriptorPage ? 'descriptor' : `page ${page}`;
  throw new StorageError('corrupt', `block ${block}, ${what}: ${why}`, { details: { block, page } });
}

/** Stands for the page number in a descriptor's checksum. */
export const descriptorPage = 0xffff_ffff;

function checksum(block: number, page: number, bytes: Uint8Array): number {
  placeView.setFloat64(0, block);
  placeView.setUint32(8, page);
  return crc32(bytes, crc32(place));
}
