import { malformed, WireError } from './errors.ts';
import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readInt64,
  readLength,
  readUint32,
  readVarint,
  seek,
  skipField,
  WIRE_BYTES,
  WIRE_FIXED64,
} from './proto-reader.ts';
import { createProtoWriter, type ProtoWriter, writeRaw, writtenBytes } from './proto-writer.ts';
import { METRIC_TYPES, type WriteRequestColumns, type WriteRequestLimits } from './remote-write.ts';
import {
  addExemplar,
  addHistogram,
  createColumns,
  growSamples,
  growSeries,
  type MutableColumns,
  resetColumns,
} from './remote-write-columns.ts';
import {
  addSymbol,
  createSymbols,
  resetSymbols,
  type Symbols,
  symbolText,
  writeLabels,
} from './remote-write-symbols.ts';

/** label references of a series or an exemplar */
const MAX_REFS = 20_000;

export interface WriteRequest2Limits extends WriteRequestLimits {
  /** bytes that the labels of all series may take when their symbols are written out; default 64 MiB */
  readonly maxLabelBytes?: number;
}

/**
 * A remote write 2.0 request as the columns of 1.0. Its `body` is written anew: labels and exemplars as 1.0 has them,
 * so that one index of label bytes serves both versions. A series' metadata is listed once for each metric name.
 */
export interface WriteRequest2Columns extends WriteRequestColumns {
  /** ms; start of the counter that a sample belongs to, 0 where there is none */
  readonly startTimestamps: Float64Array;
  /** Series whose labels or metadata refer to symbols that are not there, and why: they have no labels here. */
  readonly seriesFaults: ReadonlyMap<number, string>;
  /** The same for exemplars, which are left out: series and reason of each. */
  readonly exemplarFaults: readonly { readonly series: number; readonly reason: string }[];
}

interface Decoder {
  readonly columns: MutableColumns;
  readonly symbols: Symbols;
  readonly reader: ProtoReader;
  readonly writer: ProtoWriter;
  readonly maxLabelBytes: number;
  startTimestamps: Float64Array;
  /** symbols of the current series' labels: name, value, … */
  refs: Uint32Array;
  refCount: number;
  /** symbol of the current series' metric name, or -1 */
  name: number;
  metadata: { family: string; type: (typeof METRIC_TYPES)[number]; help: string; unit: string }[];
  /** Why the references that were read last cannot be used. */
  refFault: string | undefined;
  readonly seriesFaults: Map<number, string>;
  readonly exemplarFaults: { series: number; reason: string }[];
}

/** A request that is read step by step. */
export interface WriteRequest2Reading {
  /**
   * Reads `most` series more, at most.
   * @returns whether all are read
   * @throws WireError malformed; unsupported for a timestamp beyond ±2^53 ms or a group; too_large for more than the limits
   */
  readSeries(most: number): boolean;
  /** The columns, once all series are read: valid until the reader begins with another request. */
  finish(): WriteRequest2Columns;
}

/**
 * A reader of remote write 2.0 requests (uncompressed), of one after the other, each in steps. To begin throws WireError
 * for symbols that are malformed.
 */
export function createWriteRequest2Reader(
  limits: WriteRequest2Limits = {},
): (body: Uint8Array) => WriteRequest2Reading {
  const columns = createColumns(limits.maxSeries ?? 1_000_000, limits.maxSamples ?? 1_000_000);
  const maxLabelBytes = limits.maxLabelBytes ?? 64 * 1024 * 1024;
  const symbols = createSymbols();
  const writer = createProtoWriter(65536);
  let startTimestamps: Float64Array = new Float64Array(4096);
  return (body) => {
    const reader = createProtoReader(body);
    const refs = new Uint32Array(128);
    const state: Decoder = {
      columns,
      symbols,
      reader,
      writer,
      maxLabelBytes,
      startTimestamps,
      refs,
      refCount: 0,
      name: -1,
      metadata: [],
      refFault: undefined,
      seriesFaults: new Map(),
      exemplarFaults: [],
    };
    beginRequest(state);
    return {
      readSeries: (most) => readSeries(state, most),
      finish() {
        startTimestamps = state.startTimestamps;
        columns.sampleStart[columns.seriesCount] = columns.sampleCount;
        columns.body = writtenBytes(writer);
        columns.metadata = state.metadata;
        const { seriesFaults, exemplarFaults } = state;
        return { ...columns, startTimestamps, seriesFaults, exemplarFaults };
      },
    };
  };
}

/**
 * A decoder of remote write 2.0 requests (uncompressed), whose result is valid until its next call. It throws what
 * `createWriteRequest2Reader` and its steps throw.
 */
export function createWriteRequest2Decoder(limits?: WriteRequest2Limits): (body: Uint8Array) => WriteRequest2Columns {
  const begin = createWriteRequest2Reader(limits);
  return (body) => {
    const reading = begin(body);
    reading.readSeries(Number.POSITIVE_INFINITY);
    return reading.finish();
  };
}

/** Symbols may come after the series that name them. */
function beginRequest({ columns, symbols, reader, writer }: Decoder): void {
  const { bytes } = reader;
  resetColumns(columns, bytes);
  resetSymbols(symbols, bytes);
  writer.at = 0;
  while (nextField(reader)) {
    if (reader.field === 4) {
      readLength(reader);
      addSymbol(symbols, reader.at, reader.valueEnd);
      reader.at = reader.valueEnd;
    } else skipField(reader);
  }
  seek(reader, 0, bytes.length);
}

function readSeries(state: Decoder, most: number): boolean {
  const { reader } = state;
  for (let read = 0; read < most; ) {
    if (!nextField(reader)) return true;
    if (reader.field === 5) {
      const outerEnd = enterMessage(reader);
      decodeSeries(state);
      leaveMessage(reader, outerEnd);
      read++;
    } else skipField(reader);
  }
  return false;
}

function decodeSeries(state: Decoder): void {
  const { columns, reader, writer } = state;
  const start = reader.at;
  const createdMs = readLabelsAndStart(state);
  state.name = nameSymbol(state);
  const series = columns.seriesCount;
  if (series >= columns.maxSeries || series === columns.labelsStart.length) growSeries(columns);
  columns.labelsStart[series] = writer.at;
  if (state.refFault !== undefined) state.seriesFaults.set(series, `parsing labels for series: ${state.refFault}`);
  else writeLabels(writer, state.symbols, state.refs, state.refCount, state.maxLabelBytes);
  columns.labelsEnd[series] = writer.at;
  columns.sampleStart[series] = columns.sampleCount;
  columns.seriesCount = series + 1;
  seek(reader, start, reader.end);
  while (nextField(reader)) decodeSeriesField(state, createdMs);
}

/** First pass over a series: its labels into `refs`. Returns the start timestamp that older senders give it, or 0. */
function readLabelsAndStart(state: Decoder): number {
  const { reader } = state;
  let createdMs = 0;
  beginRefs(state);
  while (nextField(reader)) {
    if (reader.field === 1) readRefs(state);
    else if (reader.field === 6) createdMs = readInt64(reader);
    else skipField(reader);
  }
  endRefs(state);
  return createdMs;
}

function beginRefs(state: Decoder): void {
  state.refCount = 0;
  state.refFault = undefined;
}

function endRefs(state: Decoder): void {
  if (state.refCount % 2 !== 0) state.refFault ??= `an odd number of label references: ${state.refCount}`;
  if (state.refFault !== undefined) state.refCount = 0;
}

/** One reference, or a packed field of them. */
function readRefs(state: Decoder): void {
  const { reader } = state;
  if (reader.wire !== WIRE_BYTES) {
    addRef(state, readUint32(reader));
    return;
  }
  const outerEnd = enterMessage(reader);
  while (reader.at < reader.end) {
    readVarint(reader);
    addRef(state, reader.low);
  }
  leaveMessage(reader, outerEnd);
}

function addRef(state: Decoder, ref: number): void {
  if (ref >= state.symbols.count) {
    state.refFault ??= `symbol ${ref} is outside of the table of ${state.symbols.count}`;
    return;
  }
  if (state.refCount === MAX_REFS) throw new WireError('too_large', `remote write: more than ${MAX_REFS / 2} labels`);
  if (state.refCount === state.refs.length) {
    const larger = new Uint32Array(state.refs.length * 2);
    larger.set(state.refs);
    state.refs = larger;
  }
  state.refs[state.refCount++] = ref;
}

function decodeSeriesField(state: Decoder, createdMs: number): void {
  const { columns, reader, writer } = state;
  const series = columns.seriesCount - 1;
  if (reader.field === 2) {
    const outerEnd = enterMessage(reader);
    decodeSample(state, createdMs);
    leaveMessage(reader, outerEnd);
  } else if (reader.field === 3) {
    readLength(reader);
    const start = writer.at;
    writeRaw(writer, reader.bytes, reader.at, reader.valueEnd);
    addHistogram(columns, series, start, writer.at);
    reader.at = reader.valueEnd;
  } else if (reader.field === 4) {
    const outerEnd = enterMessage(reader);
    const start = writer.at;
    if (rewriteExemplar(state)) addExemplar(columns, series, start, writer.at);
    else state.exemplarFaults.push({ series, reason: `parsing exemplar: ${state.refFault}` });
    leaveMessage(reader, outerEnd);
  } else if (reader.field === 5) {
    const outerEnd = enterMessage(reader);
    decodeMetadata(state);
    leaveMessage(reader, outerEnd);
  } else skipField(reader);
}

function decodeSample(state: Decoder, createdMs: number): void {
  const { columns, reader } = state;
  const n = columns.sampleCount;
  if (n >= columns.maxSamples || n === columns.timestamps.length) growSamples(columns);
  if (n >= state.startTimestamps.length) {
    const larger = new Float64Array(state.startTimestamps.length * 2);
    larger.set(state.startTimestamps);
    state.startTimestamps = larger;
  }
  columns.valueBits[2 * n] = 0;
  columns.valueBits[2 * n + 1] = 0;
  columns.timestamps[n] = 0;
  state.startTimestamps[n] = createdMs;
  while (nextField(reader)) {
    if (reader.field === 1) {
      if (reader.wire !== WIRE_FIXED64) throw malformed(`remote write: sample value has wire type ${reader.wire}`);
      const { at } = reader;
      skipField(reader);
      columns.valueBits[2 * n] = littleEndian32(reader.bytes, at);
      columns.valueBits[2 * n + 1] = littleEndian32(reader.bytes, at + 4);
    } else if (reader.field === 2) columns.timestamps[n] = readInt64(reader);
    else if (reader.field === 3) state.startTimestamps[n] = readInt64(reader);
    else skipField(reader);
  }
  columns.sampleCount = n + 1;
}

/**
 * Exemplar{1: labels_refs, 2: value, 3: timestamp} with its labels written out, as 1.0 has it; false where they cannot
 * be.
 */
function rewriteExemplar(state: Decoder): boolean {
  const { reader, writer } = state;
  beginRefs(state);
  const valuesStart = reader.at;
  while (nextField(reader)) {
    if (reader.field === 1) readRefs(state);
    else skipField(reader);
  }
  endRefs(state);
  if (state.refFault !== undefined) return false;
  writeLabels(writer, state.symbols, state.refs, state.refCount, state.maxLabelBytes);
  seek(reader, valuesStart, reader.end);
  for (;;) {
    const fieldStart = reader.at;
    if (!nextField(reader)) break;
    const { field } = reader;
    skipField(reader);
    if (field === 2 || field === 3) writeRaw(writer, reader.bytes, fieldStart, reader.at);
  }
  return true;
}

/** Metadata{1: type, 3: help_ref, 4: unit_ref}: taken the first time that a request has the metric name. */
function decodeMetadata(state: Decoder): void {
  const { reader, symbols } = state;
  let type = 0;
  let help = 0;
  let unit = 0;
  while (nextField(reader)) {
    if (reader.field === 1) type = readUint32(reader);
    else if (reader.field === 3) help = readUint32(reader);
    else if (reader.field === 4) unit = readUint32(reader);
    else skipField(reader);
  }
  if (help >= symbols.count || unit >= symbols.count) {
    const reason = `parsing metadata for series: symbol ${Math.max(help, unit)} is outside of the table of ${symbols.count}`;
    state.seriesFaults.set(state.columns.seriesCount - 1, reason);
    return;
  }
  const { name } = state;
  if (name < 0 || symbols.seen[name] === 1 || (type === 0 && help === 0 && unit === 0)) return;
  symbols.seen[name] = 1;
  state.metadata.push({
    family: symbolText(symbols, name),
    type: METRIC_TYPES[type] ?? 'unknown',
    help: symbolText(symbols, help),
    unit: symbolText(symbols, unit),
  });
}

/** Symbol of the current series' `__name__`, or -1. */
function nameSymbol(state: Decoder): number {
  const { refs, refCount, symbols } = state;
  for (let i = 0; i < refCount; i += 2) {
    const ref = refs[i]!;
    if (symbols.end[ref]! - symbols.start[ref]! === 8 && symbolText(symbols, ref) === '__name__') return refs[i + 1]!;
  }
  return -1;
}

function littleEndian32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
