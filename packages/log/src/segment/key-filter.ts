import { LogError } from '../errors.ts';
import { littleEndian } from './little-endian.ts';

const version = 1;
const headBytes = 1;
/** A key sets a bit in each of the 8 words of one block. */
const blockBytes = 32;
const blockWords = 8;
const bitsPerKey = 12;
const blocksPerPage = 1024;

/** One for each word of a block: they spread one hash over its bits. */
const salts = Uint32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
);

/**
 * A blocked Bloom filter over the keys of a segment: a key that is there is always found, another one in about one of
 * 200 cases. Its pages are a version byte and 1024 blocks of 32 bytes each, fewer in the last one.
 */
export class KeyFilterBuilder {
  private readonly blocks: number;
  private readonly words: Uint32Array;

  constructor(keyCount: number) {
    this.blocks = blocksFor(keyCount);
    this.words = new Uint32Array(this.blocks * blockWords);
  }

  /** Adds the key `source[start, end)`. */
  add(source: Uint8Array, start: number, end: number): void {
    const { words } = this;
    // Both hashes of `hashKey` in one walk: the processor works on one while it waits for the other.
    let one = firstHash(1, end - start);
    let two = firstHash(2, end - start);
    for (let i = start; i < end; i++) {
      const byte = source[i]!;
      one = nextHash(one, byte);
      two = nextHash(two, byte);
    }
    const first = blockOf(lastHash(one), this.blocks) * blockWords;
    const hash = lastHash(two);
    for (let word = 0; word < blockWords; word++) words[first + word]! |= bitOf(hash, word);
  }

  get pageCount(): number {
    return Math.ceil(this.blocks / blocksPerPage);
  }

  /** Page `index`. */
  encodePage(index: number): Uint8Array {
    const from = index * blocksPerPage * blockWords;
    const words = littleEndian(this.words.subarray(from, from + blocksPerPage * blockWords));
    const bytes = Buffer.allocUnsafeSlow(headBytes + words.length);
    bytes[0] = version;
    bytes.set(words, headBytes);
    return bytes;
  }
}

/** The page of the filter that knows of `key`, when the filter is for `keyCount` keys. */
export function filterPageOf(key: Uint8Array, keyCount: number): number {
  return Math.floor(blockOf(hashKey(key, 0, key.length, 1), blocksFor(keyCount)) / blocksPerPage);
}

/** Whether `key` may be among the keys, by the page that {@link filterPageOf} says. @throws LogError corrupt */
export function mayInclude(page: Uint8Array, key: Uint8Array, keyCount: number): boolean {
  if (page[0] !== version) throw new LogError('corrupt', `key filter of an unknown version: ${page[0]}`);
  const block = blockOf(hashKey(key, 0, key.length, 1), blocksFor(keyCount));
  const start = headBytes + (block % blocksPerPage) * blockBytes;
  if (start + blockBytes > page.length) throw new LogError('corrupt', 'key filter is cut short');
  const view = new DataView(page.buffer, page.byteOffset + start, blockBytes);
  const hash = hashKey(key, 0, key.length, 2);
  for (let word = 0; word < blockWords; word++) {
    if ((view.getUint32(word * 4, true) & bitOf(hash, word)) === 0) return false;
  }
  return true;
}

function blocksFor(keyCount: number): number {
  return Math.max(1, Math.ceil((keyCount * bitsPerKey) / (blockBytes * 8)));
}

function blockOf(hash: number, blocks: number): number {
  return Math.floor((hash * blocks) / 0x1_0000_0000);
}

function bitOf(hash: number, word: number): number {
  return 1 << (Math.imul(hash, salts[word]!) >>> 27);
}

/** A 32-bit hash of `source[start, end)` that is the same in every process, unsigned. */
function hashKey(source: Uint8Array, start: number, end: number, seed: number): number {
  let hash = firstHash(seed, end - start);
  for (let i = start; i < end; i++) hash = nextHash(hash, source[i]!);
  return lastHash(hash);
}

function firstHash(seed: number, length: number): number {
  return Math.imul(seed, 0x9e3779b1) ^ length;
}

function nextHash(hash: number, byte: number): number {
  hash = Math.imul(hash ^ byte, 0x85ebca6b);
  return hash ^ (hash >>> 15);
}

function lastHash(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0xc2b2ae35);
  return (hash ^ (hash >>> 13)) >>> 0;
}
