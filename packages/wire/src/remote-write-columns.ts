import { WireError } from './errors.ts';
import type { FamilyMetadata } from './remote-write.ts';

/** The decoder's own side of WriteRequestColumns: arrays that grow by doubling. */
export interface MutableColumns {
  body: Uint8Array;
  readonly maxSeries: number;
  readonly maxSamples: number;
  seriesCount: number;
  labelsStart: Uint32Array;
  labelsEnd: Uint32Array;
  sampleStart: Uint32Array;
  sampleCount: number;
  timestamps: Float64Array;
  values: Float64Array;
  valueBits: Int32Array;
  histogramCount: number;
  histogramSeries: Uint32Array;
  histogramStart: Uint32Array;
  histogramEnd: Uint32Array;
  exemplarCount: number;
  exemplarSeries: Uint32Array;
  exemplarStart: Uint32Array;
  exemplarEnd: Uint32Array;
  metadataCount: number;
  metadataStart: Uint32Array;
  metadataEnd: Uint32Array;
  metadata: readonly FamilyMetadata[];
}

export function createColumns(maxSeries: number, maxSamples: number): MutableColumns {
  const values = new Float64Array(4096);
  return {
    body: new Uint8Array(0),
    maxSeries,
    maxSamples,
    seriesCount: 0,
    labelsStart: new Uint32Array(4096),
    labelsEnd: new Uint32Array(4096),
    sampleStart: new Uint32Array(4097),
    sampleCount: 0,
    timestamps: new Float64Array(4096),
    values,
    valueBits: new Int32Array(values.buffer),
    histogramCount: 0,
    histogramSeries: new Uint32Array(16),
    histogramStart: new Uint32Array(16),
    histogramEnd: new Uint32Array(16),
    exemplarCount: 0,
    exemplarSeries: new Uint32Array(16),
    exemplarStart: new Uint32Array(16),
    exemplarEnd: new Uint32Array(16),
    metadataCount: 0,
    metadataStart: new Uint32Array(16),
    metadataEnd: new Uint32Array(16),
    metadata: [],
  };
}

export function resetColumns(columns: MutableColumns, body: Uint8Array): void {
  columns.body = body;
  columns.seriesCount = 0;
  columns.sampleCount = 0;
  columns.histogramCount = 0;
  columns.exemplarCount = 0;
  columns.metadataCount = 0;
}

/** Makes room for `count` more series. @throws WireError too_large */
export function reserveSeries(columns: MutableColumns, count: number): void {
  const { maxSeries } = columns;
  const needed = columns.seriesCount + count;
  if (needed > maxSeries) throw new WireError('too_large', `remote write: more than ${maxSeries} series`);
  while (needed > columns.labelsStart.length) growSeries(columns);
}

/** Makes room for `count` more samples. @throws WireError too_large */
export function reserveSamples(columns: MutableColumns, count: number): void {
  const { maxSamples } = columns;
  const needed = columns.sampleCount + count;
  if (needed > maxSamples) throw new WireError('too_large', `remote write: more than ${maxSamples} samples`);
  while (needed > columns.timestamps.length) growSamples(columns);
}

/** Makes room for one more series. @throws WireError too_large */
export function growSeries(columns: MutableColumns): void {
  const { maxSeries } = columns;
  if (columns.seriesCount >= maxSeries) throw new WireError('too_large', `remote write: more than ${maxSeries} series`);
  columns.labelsStart = doubled(columns.labelsStart);
  columns.labelsEnd = doubled(columns.labelsEnd);
  const sampleStart = new Uint32Array(columns.labelsStart.length + 1);
  sampleStart.set(columns.sampleStart);
  columns.sampleStart = sampleStart;
}

/** Makes room for one more sample. @throws WireError too_large */
export function growSamples(columns: MutableColumns): void {
  const { maxSamples } = columns;
  if (columns.sampleCount >= maxSamples) {
    throw new WireError('too_large', `remote write: more than ${maxSamples} samples`);
  }
  const timestamps = new Float64Array(columns.timestamps.length * 2);
  timestamps.set(columns.timestamps);
  columns.timestamps = timestamps;
  const valueBits = new Int32Array(columns.valueBits.length * 2);
  valueBits.set(columns.valueBits);
  columns.valueBits = valueBits;
  columns.values = new Float64Array(valueBits.buffer);
}

export function addHistogram(columns: MutableColumns, series: number, start: number, end: number): void {
  const i = columns.histogramCount++;
  if (i === columns.histogramSeries.length) {
    columns.histogramSeries = doubled(columns.histogramSeries);
    columns.histogramStart = doubled(columns.histogramStart);
    columns.histogramEnd = doubled(columns.histogramEnd);
  }
  columns.histogramSeries[i] = series;
  columns.histogramStart[i] = start;
  columns.histogramEnd[i] = end;
}

export function addExemplar(columns: MutableColumns, series: number, start: number, end: number): void {
  const i = columns.exemplarCount++;
  if (i === columns.exemplarSeries.length) {
    columns.exemplarSeries = doubled(columns.exemplarSeries);
    columns.exemplarStart = doubled(columns.exemplarStart);
    columns.exemplarEnd = doubled(columns.exemplarEnd);
  }
  columns.exemplarSeries[i] = series;
  columns.exemplarStart[i] = start;
  columns.exemplarEnd[i] = end;
}

export function addMetadata(columns: MutableColumns, start: number, end: number): void {
  const i = columns.metadataCount++;
  if (i === columns.metadataStart.length) {
    columns.metadataStart = doubled(columns.metadataStart);
    columns.metadataEnd = doubled(columns.metadataEnd);
  }
  columns.metadataStart[i] = start;
  columns.metadataEnd[i] = end;
}

function doubled(array: Uint32Array): Uint32Array {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
