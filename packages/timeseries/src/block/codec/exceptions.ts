import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { EXCEPTION_BITS, EXCEPTION_HIGHS, EXCEPTION_LOWS } from './value-format.ts';

/** Adds the list of the values that the column does not have; `words` are the low and high halves of all values. */
export function writeExceptions(writer: ByteWriter, words: Uint32Array, indexes: Uint32Array, count: number): void {
  writer.varint(count);
  let before = 0;
  for (let i = 0; i < count; i++) {
    const index = indexes[i]!;
    writer.varint(index - before);
    before = index;
    const low = words[2 * index]!;
    const high = words[2 * index + 1]!;
    const code = codeOf(low, high);
    writer.byte(code);
    if (code !== EXCEPTION_BITS) continue;
    writer.reserve(8);
    writer.view.setUint32(writer.length, low, true);
    writer.view.setUint32(writer.length + 4, high, true);
    writer.length += 8;
  }
}

function codeOf(low: number, high: number): number {
  for (let code = 1; code < EXCEPTION_HIGHS.length; code++) {
    if (EXCEPTION_HIGHS[code] === high && EXCEPTION_LOWS[code] === low) return code;
  }
  return EXCEPTION_BITS;
}

/** Moves over a list of exceptions of a series of `samples` samples; returns where it starts. */
export function skipExceptions(reader: ByteReader, samples: number): number {
  const start = reader.at;
  const count = reader.count(samples, 'exceptions');
  let index = 0;
  for (let i = 0; i < count; i++) {
    index += reader.varint();
    if (index >= samples) reader.fail(`an exception at sample ${index} of ${samples}`);
    const code = reader.byte();
    if (code >= EXCEPTION_HIGHS.length) reader.fail(`unknown exception ${code}`);
    if (code === EXCEPTION_BITS) reader.skip(8, 'an exception');
  }
  return start;
}

/** Puts the exceptions of a list that {@link skipExceptions} has checked into `target[at…]`. */
export function applyExceptions(reader: ByteReader, target: Float64Array, at: number): void {
  const words = new Uint32Array(target.buffer, target.byteOffset);
  const count = reader.varint();
  let index = at;
  for (let i = 0; i < count; i++) {
    index += reader.varint();
    const code = reader.byte();
    if (code === EXCEPTION_BITS) {
      const bits = reader.skip(8, 'an exception');
      words[2 * index] = reader.view.getUint32(bits, true);
      words[2 * index + 1] = reader.view.getUint32(bits + 4, true);
    } else {
      words[2 * index] = EXCEPTION_LOWS[code]!;
      words[2 * index + 1] = EXCEPTION_HIGHS[code]!;
    }
  }
}
