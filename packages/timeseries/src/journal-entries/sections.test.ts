import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JournalEntryDecoder } from './decode.ts';
import { JournalEntryEncoder } from './encode.ts';
import { JournalEntryError } from './format.ts';
import { type EncodedExemplar, type EncodedHistogram, exemplarSection, histogramSection } from './sections.ts';

const DURATION_MS = 3_600_000;
const slot = fc.nat({ max: 2 ** 31 - 1 });
const histogram: fc.Arbitrary<EncodedHistogram> = fc.record({
  slot,
  offset: fc.nat({ max: DURATION_MS - 1 }),
  bytes: fc.uint8Array(),
});
const exemplar: fc.Arbitrary<EncodedExemplar> = fc.record({
  slot,
  timestampMs: fc.integer(),
  value: fc.double(),
  labels: fc.uint8Array(),
});

function encode(histograms: readonly EncodedHistogram[], exemplars: readonly EncodedExemplar[]): Uint8Array {
  const nothing = { firstSlot: 0, count: 0, labels: () => new Uint8Array(0) };
  const sections = [histogramSection(histograms), exemplarSection(exemplars)];
  return new JournalEntryEncoder()
    .encode(
      { startMs: 0, durationMs: DURATION_MS },
      nothing,
      new Uint32Array(0),
      new Int32Array(0),
      new Float64Array(0),
      0,
      sections,
    )
    .slice();
}

function decode(entry: Uint8Array) {
  const histograms: EncodedHistogram[] = [];
  const exemplars: EncodedExemplar[] = [];
  new JournalEntryDecoder().decode(entry, {
    window: () => {},
    definition: () => {},
    floatSamples: () => {},
    histogram: (ofSlot, offset, bytes) => histograms.push({ slot: ofSlot, offset, bytes: bytes.slice() }),
    exemplar: (one) => exemplars.push({ ...one, labels: one.labels.slice() }),
  });
  return { histograms, exemplars };
}

describe('histograms and exemplars in a journal entry', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(histogram), fc.array(exemplar), (histograms, exemplars) => {
        expect(decode(encode(histograms, exemplars))).toEqual({ histograms, exemplars });
      }),
    );
  });

  it('are refused where bytes are damaged, never read beyond their end', () => {
    fc.assert(
      fc.property(fc.array(histogram), fc.array(exemplar), fc.nat(), fc.nat(255), (histograms, exemplars, at, byte) => {
        const entry = encode(histograms, exemplars);
        entry[16 + (at % (entry.length - 16))] = byte;
        try {
          decode(entry);
        } catch (error) {
          expect(error).toBeInstanceOf(JournalEntryError);
        }
      }),
    );
  });
});
