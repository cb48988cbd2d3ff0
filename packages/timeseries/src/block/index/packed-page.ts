import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { PageFormatError } from '../codec/errors.ts';
import { MAX_PAGE_BYTES } from '../codec/page-format.ts';
import { checkVersion } from './block-format.ts';

/**
 * An index page of any kind, compressed:
 *
 *     page := version u8 = 2, bytes varint, deflated page of version 1
 */
const PACKED_VERSION = 2;
/** It must save at least this share of the bytes, as it takes longer to read. */
const WORTHWHILE = 0.9;
/** Deflate makes no more of a byte. */
const MOST_BYTES_OF_ONE = 1032;

/** The shorter of a page and what deflate makes of it. Takes about a millisecond for 32 KiB. */
export function packPage(page: Uint8Array): Uint8Array {
  const head = new ByteWriter(16);
  head.byte(PACKED_VERSION);
  head.varint(page.length);
  const deflated = deflateRawSync(page);
  if (head.length + deflated.length > page.length * WORTHWHILE) return page;
  head.append(deflated);
  return head.bytes.slice(0, head.length);
}

/** Begins to read an index page, behind its version. @throws PageFormatError */
export function openIndexPage(page: Uint8Array): ByteReader {
  const input = new ByteReader(page[0] === PACKED_VERSION ? unpack(page) : page);
  checkVersion(input);
  return input;
}

/** The bytes that a page has when it is read: of an index page those that it was packed from. */
export function unpackedBytes(page: Uint8Array): number {
  return page[0] === PACKED_VERSION ? readLength(page).length : page.length;
}

function readLength(page: Uint8Array): { readonly length: number; readonly start: number } {
  const input = new ByteReader(page);
  input.byte();
  const length = input.varint();
  if (length > Math.min(MAX_PAGE_BYTES, (page.length - input.at) * MOST_BYTES_OF_ONE)) {
    input.fail(`an index page of ${length} bytes in ${page.length}`);
  }
  return { length, start: input.at };
}

function unpack(page: Uint8Array): Uint8Array {
  const { length, start } = readLength(page);
  let unpacked: Uint8Array;
  try {
    unpacked = inflateRawSync(page.subarray(start), { maxOutputLength: Math.max(length, 1) });
  } catch (error) {
    throw new PageFormatError(start, `a compressed index page: ${error instanceof Error ? error.message : 'damaged'}`);
  }
  if (unpacked.length !== length) throw new PageFormatError(start, `${unpacked.length} bytes instead of ${length}`);
  return unpacked;
}
