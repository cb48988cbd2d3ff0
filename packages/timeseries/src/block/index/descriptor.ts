import { ByteReader } from '../codec/byte-reader.ts';
import { ByteWriter } from '../codec/byte-writer.ts';
import { PageFormatError } from '../codec/errors.ts';
import { readString, writeString } from './strings.ts';

/**
 *     descriptor := version u8 = 1, resolution varint, rank varint,
 *                   start, end, oldest, newest signed varint (ms), series, pairs, samples, histograms varint,
 *                   { section }
 *     section    := kind varint, bytes varint, content
 *
 *     1 names       { name, its first pair }           4 series pages   { page, first series }
 *     2 dictionary  { page, first pair, first value }  5 slice          start, end, { page, first series }
 *     3 postings    { page, first pair }               6 exemplars      { page }
 *     8 start timestamps { page, first series }, where there are any
 *
 * Lists begin with their length; pages, pairs and series are distances to the one before. Sections of unknown kinds are
 * skipped from 64 on and refused below. Kind 7 (tombstones) is kept free, as is a resolution other than 0, that of
 * downsampled blocks, in ms.
 */
export interface BlockDescriptor {
  /** The span of time that the block stands for, in ms; its samples are within. */
  readonly startMs: number;
  readonly endMs: number;
  /** Times of the oldest and the newest sample. */
  readonly minMs: number;
  readonly maxMs: number;
  /** Of two blocks with a sample of the same series and time, that of the higher rank counts. */
  readonly rank: number;
  readonly seriesCount: number;
  readonly pairCount: number;
  readonly sampleCount: number;
  /** Of the samples, those that are native histograms. */
  readonly histogramCount: number;
  readonly names: readonly { readonly name: string; readonly firstPair: number }[];
  readonly dictionary: readonly { readonly page: number; readonly first: number; readonly firstValue: string }[];
  readonly postings: readonly PageRef[];
  readonly series: readonly PageRef[];
  readonly slices: readonly Slice[];
  readonly exemplarPages: readonly number[];
  /** By the first series of each. */
  readonly startPages: readonly PageRef[];
}

/** A page and the number of what it begins with. */
export interface PageRef {
  readonly page: number;
  readonly first: number;
}

/** A part of a block's time with data pages of its own. */
export interface Slice {
  readonly startMs: number;
  readonly endMs: number;
  readonly pages: readonly PageRef[];
}

const VERSION = 1;
const NAMES = 1;
const DICTIONARY = 2;
const POSTINGS = 3;
const SERIES = 4;
const SLICE = 5;
const EXEMPLARS = 6;
const START_TIMESTAMPS = 8;
const FIRST_OPTIONAL = 64;

export function encodeDescriptor(descriptor: BlockDescriptor): Uint8Array {
  const out = new ByteWriter(4096);
  out.byte(VERSION);
  out.varint(0);
  out.varint(descriptor.rank);
  for (const time of [descriptor.startMs, descriptor.endMs, descriptor.minMs, descriptor.maxMs]) out.signedVarint(time);
  const { seriesCount, pairCount, sampleCount, histogramCount } = descriptor;
  for (const count of [seriesCount, pairCount, sampleCount, histogramCount]) out.varint(count);
  const content = new ByteWriter(4096);
  const section = (kind: number, write: () => void): void => {
    content.length = 0;
    write();
    out.varint(kind);
    out.varint(content.length);
    out.append(content.bytes.subarray(0, content.length));
  };
  section(NAMES, () => {
    content.varint(descriptor.names.length);
    let before = 0;
    for (const { name, firstPair } of descriptor.names) {
      writeString(content, name);
      content.varint(firstPair - before);
      before = firstPair;
    }
  });
  section(DICTIONARY, () => {
    writeRefs(content, descriptor.dictionary);
    for (const { firstValue } of descriptor.dictionary) writeString(content, firstValue);
  });
  section(POSTINGS, () => writeRefs(content, descriptor.postings));
  section(SERIES, () => writeRefs(content, descriptor.series));
  for (const slice of descriptor.slices) {
    section(SLICE, () => {
      content.signedVarint(slice.startMs);
      content.signedVarint(slice.endMs);
      writeRefs(content, slice.pages);
    });
  }
  if (descriptor.exemplarPages.length > 0) {
    section(EXEMPLARS, () => {
      content.varint(descriptor.exemplarPages.length);
      for (const page of descriptor.exemplarPages) content.varint(page);
    });
  }
  if (descriptor.startPages.length > 0) section(START_TIMESTAMPS, () => writeRefs(content, descriptor.startPages));
  return out.bytes.slice(0, out.length);
}

/** @throws PageFormatError where the bytes are damaged or of a newer version */
export function decodeDescriptor(bytes: Uint8Array): BlockDescriptor {
  const input = new ByteReader(bytes);
  const version = input.byte();
  if (version !== VERSION) throw new PageFormatError(0, `unknown version ${version} of a block`);
  if (input.varint() !== 0) input.fail('a downsampled block');
  const rank = input.varint();
  const startMs = input.signedVarint();
  const endMs = input.signedVarint();
  const minMs = input.signedVarint();
  const maxMs = input.signedVarint();
  const seriesCount = input.varint();
  const pairCount = input.varint();
  const sampleCount = input.varint();
  const histogramCount = input.varint();
  let names: BlockDescriptor['names'] = [];
  let dictionary: BlockDescriptor['dictionary'] = [];
  let postings: readonly PageRef[] = [];
  let series: readonly PageRef[] = [];
  const slices: Slice[] = [];
  let exemplarPages: readonly number[] = [];
  let startPages: readonly PageRef[] = [];
  const end = input.end;
  while (input.at < end) {
    const kind = input.varint();
    const length = input.varint();
    const start = input.skip(length, 'a section');
    input.enter(start, start + length);
    if (kind === NAMES) names = readNames(input);
    else if (kind === DICTIONARY) {
      dictionary = readRefs(input).map((ref) => ({ ...ref, firstValue: '' }));
      dictionary = dictionary.map(({ page, first }) => ({ page, first, firstValue: readString(input) }));
    } else if (kind === POSTINGS) postings = readRefs(input);
    else if (kind === SERIES) series = readRefs(input);
    else if (kind === SLICE) {
      const sliceStartMs = input.signedVarint();
      slices.push({ startMs: sliceStartMs, endMs: input.signedVarint(), pages: readRefs(input) });
    } else if (kind === EXEMPLARS) exemplarPages = Array.from({ length: readLength(input) }, () => input.varint());
    else if (kind === START_TIMESTAMPS) startPages = readRefs(input);
    else if (kind < FIRST_OPTIONAL) input.fail(`section of unknown kind ${kind}`);
    input.enter(start + length, end);
  }
  const counts = { seriesCount, pairCount, sampleCount, histogramCount };
  const index = { names, dictionary, postings, series, slices, exemplarPages, startPages };
  return { startMs, endMs, minMs, maxMs, rank, ...counts, ...index };
}

function readNames(input: ByteReader): BlockDescriptor['names'] {
  let firstPair = 0;
  return Array.from({ length: readLength(input) }, () => {
    const name = readString(input);
    firstPair += input.varint();
    return { name, firstPair };
  });
}

function writeRefs(out: ByteWriter, refs: readonly PageRef[]): void {
  out.varint(refs.length);
  let pageBefore = 0;
  let firstBefore = 0;
  for (const { page, first } of refs) {
    out.varint(page - pageBefore);
    out.varint(first - firstBefore);
    pageBefore = page;
    firstBefore = first;
  }
}

function readRefs(input: ByteReader): PageRef[] {
  let page = 0;
  let first = 0;
  return Array.from({ length: readLength(input) }, () => {
    page += input.varint();
    first += input.varint();
    return { page, first };
  });
}

function readLength(input: ByteReader): number {
  return input.count(input.end - input.at, 'length of a list');
}
