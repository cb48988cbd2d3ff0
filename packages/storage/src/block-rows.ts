import type { BlockInfo } from './blocks.ts';
import { StorageError } from './errors.ts';
import { descriptorPage, framePage, unframePage } from './page-frame.ts';

/*
 * Descriptor row, inside a checked frame:  length of the JSON u32 LE | JSON of the fields | the database's descriptor
 * Marker row:                              version u8 | number of pages u32 LE, 0xffffffff where it is not known
 */
const markerVersion = 1;
export const unknownPages = 0xffff_ffff;

export function encodeDescriptor(block: BlockInfo): Uint8Array {
  const { kind, pages, sizeBytes, sealedLanes } = block;
  const fields = new TextEncoder().encode(JSON.stringify({ kind, pages, sizeBytes, sealedLanes }));
  const bytes = new Uint8Array(4 + fields.length + block.descriptor.length);
  new DataView(bytes.buffer).setUint32(0, fields.length, true);
  bytes.set(fields, 4);
  bytes.set(block.descriptor, 4 + fields.length);
  return framePage(block.id, descriptorPage, bytes);
}

/** @throws StorageError `corrupt` */
export function decodeDescriptor(id: number, value: Uint8Array): BlockInfo {
  const bytes = unframePage(id, descriptorPage, value);
  try {
    const end = 4 + new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);
    const fields = JSON.parse(new TextDecoder().decode(bytes.subarray(4, end))) as Omit<BlockInfo, 'id' | 'descriptor'>;
    return { id, ...fields, descriptor: new Uint8Array(bytes.subarray(end)) };
  } catch (error) {
    throw new StorageError('corrupt', `block ${id}: its descriptor cannot be read`, {
      cause: error,
      details: { block: id },
    });
  }
}

export function markerValue(pages: number): Uint8Array {
  const value = new Uint8Array(5);
  value[0] = markerVersion;
  new DataView(value.buffer).setUint32(1, pages, true);
  return value;
}

/** The number of pages that the marker names, undefined where it does not know. */
export function markerPages(value: Uint8Array): number | undefined {
  if (value.length < 5) return undefined;
  const pages = new DataView(value.buffer, value.byteOffset).getUint32(1, true);
  return pages === unknownPages ? undefined : pages;
}
