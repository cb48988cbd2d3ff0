import fc from 'fast-check';
import { snappyUncompressor } from 'hysnappy';
import { describe, expect, it } from 'vitest';
import { isWireError, malformed } from './errors.ts';
import { mutate, mutations } from './mutate.testing.ts';
import { createSnappyUncompressor, snappyCompress, snappyUncompress } from './snappy.ts';
import { SNAPPY_SLACK_BYTES, snappyDecode, snappyDecodeInto, snappyUncompressedLength } from './snappy-decode.ts';
import type { KernelMemory } from './snappy-wasm.ts';

const LIMIT = 1 << 20;

interface WebAssemblyApi {
  readonly Memory: new (descriptor: { initial: number }) => KernelMemory;
}

/** Bytes with repetition, so that there are copies and not only literals. */
const repetitive = fc
  .tuple(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 }),
    fc.array(fc.nat(5), { maxLength: 200 }),
  )
  .map(([words, order]) => Uint8Array.from(order.flatMap((i) => [...words[i % words.length]!])));

function attempt(run: () => Uint8Array): Uint8Array | string {
  try {
    return run();
  } catch (error) {
    if (!isWireError(error)) throw error;
    return error.code;
  }
}

const hysnappy = snappyUncompressor();

/** A third decoder, which says no more than that a body is malformed. */
function oracle(body: Uint8Array): Uint8Array | string {
  return attempt(() => {
    const length = snappyUncompressedLength(body, LIMIT);
    try {
      return hysnappy(body, length);
    } catch {
      throw malformed('');
    }
  });
}

describe('snappy', () => {
  it('gives back what was compressed, in both decoders', () => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        const body = snappyCompress(bytes);
        expect(snappyUncompress(body, LIMIT)).toEqual(bytes);
        expect(snappyDecode(body, bytes.length)).toEqual(bytes);
      }),
    );
  });

  it('takes and refuses the same damaged bodies in both decoders, and stays usable', () => {
    const sound = snappyCompress(Uint8Array.from({ length: 5000 }, (_, i) => (i * 7) % 31));
    fc.assert(
      fc.property(repetitive, mutations, (bytes, list) => {
        const body = mutate(snappyCompress(bytes), list);
        const fast = attempt(() => snappyUncompress(body, LIMIT));
        const slow = attempt(() => snappyDecode(body, snappyUncompressedLength(body, LIMIT)));
        expect(fast).toEqual(slow);
        expect(fast).toEqual(oracle(body));
        expect(snappyUncompress(sound, LIMIT).length).toBe(5000);
      }),
      { numRuns: 3000 },
    );
  });

  it('writes nothing beyond the declared length and the slack', () => {
    fc.assert(
      fc.property(repetitive, mutations, (bytes, list) => {
        const body = mutate(snappyCompress(bytes), list);
        let size = 0;
        if (typeof attempt(() => new Uint8Array((size = snappyUncompressedLength(body, 4000)))) === 'string') return;
        const out = new Uint8Array(size + 64).fill(0xaa);
        attempt(() => {
          snappyDecodeInto(body, out, new DataView(out.buffer), size);
          return out;
        });
        expect(out.subarray(size + SNAPPY_SLACK_BYTES).every((byte) => byte === 0xaa)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('returns a view of its own memory where asked to, which grows with what it is given', () => {
    const uncompress = createSnappyUncompressor(1 << 22);
    for (const size of [10, 200_000, 1, 3_000_000, 5]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * i) & 0xff);
      expect(Buffer.compare(uncompress(snappyCompress(bytes)), bytes)).toBe(0);
    }
    expect(() => uncompress(snappyCompress(new Uint8Array((1 << 22) + 1)))).toThrow('the limit is 4194304');
  });

  it('uncompresses into a place of other memory, which may grow, and touches nothing around it', () => {
    const { Memory } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
    const memory = new Memory({ initial: 1 });
    const [startBytes, endBytes] = [1000, 9000];
    const uncompress = createSnappyUncompressor(LIMIT, { memory, startBytes, endBytes });
    const around = (): Uint8Array[] => [
      new Uint8Array(memory.buffer, 0, startBytes),
      new Uint8Array(memory.buffer, endBytes),
    ];
    for (const part of around()) part.fill(0xaa);
    let runs = 0;
    fc.assert(
      fc.property(repetitive, mutations, (bytes, list) => {
        if (++runs % 50 === 0) {
          memory.grow(1);
          around()[1]!.fill(0xaa);
        }
        const sound = snappyCompress(bytes);
        const uncompressed = uncompress(sound);
        expect(uncompressed.slice()).toEqual(bytes);
        const fits = startBytes + sound.length + bytes.length + 32 <= endBytes;
        expect(uncompressed.buffer === memory.buffer).toBe(fits);
        const body = mutate(sound, list);
        const slow = attempt(() => snappyDecode(body, snappyUncompressedLength(body, LIMIT)));
        expect(attempt(() => uncompress(body).slice())).toEqual(slow);
        expect(around().every((part) => part.every((byte) => byte === 0xaa))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (body) => {
        const fast = attempt(() => snappyUncompress(body, LIMIT));
        expect(fast).toEqual(attempt(() => snappyDecode(body, snappyUncompressedLength(body, LIMIT))));
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses a bomb by its header', () => {
    const bomb = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0);
    expect(() => snappyUncompress(bomb, 32 << 20)).toThrow(
      'snappy: 4294967295 bytes uncompressed, the limit is 33554432',
    );
    expect(attempt(() => snappyUncompress(bomb, 32 << 20))).toBe('too_large');
  });

  it.each([
    ['nothing', []],
    ['an endless header', [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ['a header above 32 bits', [0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['a copy from before the start', [0x05, 0x00, 0x61, 0x01, 0x09]],
    ['a copy at offset 0', [0x05, 0x00, 0x61, 0x01, 0x00]],
    ['less than declared', [0x05, 0x00, 0x61]],
    ['more than declared', [0x01, 0x04, 0x61, 0x62]],
  ])('refuses %s', (_, body) => {
    expect(attempt(() => snappyUncompress(Uint8Array.from(body), LIMIT))).toBe('malformed');
  });

  it('decodes a wasteful encoding without WebAssembly', () => {
    const body = [100, ...Array.from({ length: 100 }, () => [0xf0, 0, 0x61]).flat()];
    expect(snappyUncompress(Uint8Array.from(body), LIMIT)).toEqual(new Uint8Array(100).fill(0x61));
  });

  it('agrees on empty input', () => {
    expect(snappyUncompress(snappyCompress(new Uint8Array(0)), LIMIT).length).toBe(0);
  });
});
