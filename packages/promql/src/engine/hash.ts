import type { Labels } from '../labels.ts';

const MASK = 0xffffffffffffffffn;
const PRIME1 = 0x9e3779b185ebca87n;
const PRIME2 = 0xc2b2ae3d27d4eb4fn;
const PRIME3 = 0x165667b19e3779f9n;
const PRIME4 = 0x85ebca77c2b2ae63n;
const PRIME5 = 0x27d4eb2f165667c5n;

function rotate(x: bigint, bits: bigint): bigint {
  return ((x << bits) | (x >> (64n - bits))) & MASK;
}

function round(accumulator: bigint, input: bigint): bigint {
  return (rotate((accumulator + input * PRIME2) & MASK, 31n) * PRIME1) & MASK;
}

function mergeRound(hash: bigint, accumulator: bigint): bigint {
  return ((hash ^ round(0n, accumulator)) * PRIME1 + PRIME4) & MASK;
}

/** xxHash64 with seed 0. For a few label sets per query, not for hot paths. */
export function xxHash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash: bigint;
  if (bytes.length >= 32) {
    let v1 = (PRIME1 + PRIME2) & MASK;
    let v2 = PRIME2;
    let v3 = 0n;
    let v4 = -PRIME1 & MASK;
    for (; at + 32 <= bytes.length; at += 32) {
      v1 = round(v1, view.getBigUint64(at, true));
      v2 = round(v2, view.getBigUint64(at + 8, true));
      v3 = round(v3, view.getBigUint64(at + 16, true));
      v4 = round(v4, view.getBigUint64(at + 24, true));
    }
    hash = (rotate(v1, 1n) + rotate(v2, 7n) + rotate(v3, 12n) + rotate(v4, 18n)) & MASK;
    for (const v of [v1, v2, v3, v4]) hash = mergeRound(hash, v);
  } else hash = PRIME5;
  hash = (hash + BigInt(bytes.length)) & MASK;
  for (; at + 8 <= bytes.length; at += 8) {
    hash ^= round(0n, view.getBigUint64(at, true));
    hash = (rotate(hash, 27n) * PRIME1 + PRIME4) & MASK;
  }
  if (at + 4 <= bytes.length) {
    hash ^= (BigInt(view.getUint32(at, true)) * PRIME1) & MASK;
    hash = (rotate(hash, 23n) * PRIME2 + PRIME3) & MASK;
    at += 4;
  }
  for (; at < bytes.length; at++) {
    hash ^= (BigInt(bytes[at]!) * PRIME5) & MASK;
    hash = (rotate(hash, 11n) * PRIME1) & MASK;
  }
  hash ^= hash >> 33n;
  hash = (hash * PRIME2) & MASK;
  hash ^= hash >> 29n;
  hash = (hash * PRIME3) & MASK;
  return hash ^ (hash >> 32n);
}

const encoder = new TextEncoder();

/** Prometheus' hash of a label set as a fraction of 2^64 - 1: over length-prefixed names and values in order. */
export function labelsHashFraction(labels: Labels): number {
  const bytes: number[] = [];
  for (const part of labels) {
    const encoded = encoder.encode(part);
    if (encoded.length < 255) bytes.push(encoded.length);
    else bytes.push(255, encoded.length & 255, (encoded.length >> 8) & 255, (encoded.length >> 16) & 255);
    for (const byte of encoded) bytes.push(byte);
  }
  return Number(xxHash64(Uint8Array.from(bytes))) / 2 ** 64;
}
