import { Buffer } from 'node:buffer';
import { malformed } from '../errors.ts';
import {
  createProtoReader,
  nextField,
  type ProtoReader,
  readLength,
  readString,
  readUint32,
  readVarint,
  seek,
  skipField,
} from '../proto-reader.ts';
import type { FamilyMetadata, MetricType } from '../remote-write.ts';
import { openMetricsFloat } from './openmetrics-float.ts';
import { type ProtoMetric, readProtoMetric } from './protobuf-metric.ts';
import { addSample, createSamples, type ExpositionHistogram, type ExpositionParse, finishSamples } from './samples.ts';

export interface ProtobufOptions {
  /** Take native histograms; without it, and where a histogram has none, its classic buckets are taken. */
  readonly nativeHistograms: boolean;
  /** Take classic buckets as well where there are native ones. */
  readonly classicToo: boolean;
}

const TYPES: readonly MetricType[] = ['counter', 'gauge', 'summary', 'unknown', 'histogram', 'gaugehistogram'];

interface Family {
  readonly name: string;
  readonly type: MetricType;
  /** Byte ranges of its metrics that are not read yet, in turn start and end. */
  readonly metrics: readonly number[];
  next: number;
}

/**
 * Begins to parse Prometheus' protobuf format: MetricFamily messages, each after its length. Lines are metrics here.
 * The series texts of the result are in the text format.
 */
export function beginProtobuf(body: Uint8Array, options: ProtobufOptions): ExpositionParse {
  const reader = createProtoReader(body);
  const text = new TextBuffer(Math.max(1024, body.length));
  const samples = createSamples(body);
  const histograms: ExpositionHistogram[] = [];
  const metadata: FamilyMetadata[] = [];
  let at = 0;
  let family: Family | undefined;

  function nextFamily(): Family {
    seek(reader, at, body.length);
    readVarint(reader);
    if (reader.high !== 0 || reader.low > body.length - reader.at)
      throw malformed('protobuf: a length runs past the end');
    at = reader.at + reader.low;
    seek(reader, reader.at, at);
    return readFamily(reader, metadata);
  }

  return {
    parseLines(maxLines) {
      for (let left = maxLines; left > 0; ) {
        if (family === undefined || family.next === family.metrics.length) {
          if (at >= body.length) return true;
          family = nextFamily();
          left--;
          continue;
        }
        seek(reader, family.metrics[family.next]!, family.metrics[family.next + 1]!);
        family.next += 2;
        left--;
        const metric = readProtoMetric(reader);
        const { name, type } = family;
        const add = (suffix: string, extra: readonly [string, string] | undefined, value: number) => {
          const start = text.at;
          text.addSeries(name + suffix, metric.labels, extra);
          addSample(samples, start, text.at, value, metric.timestampMs);
          return samples.count - 1;
        };
        if (type === 'histogram' || type === 'gaugehistogram') addHistogram(metric, add);
        else addValues(metric, type, add);
      }
      return at >= body.length && (family === undefined || family.next === family.metrics.length);
    },
    finish() {
      return { ...finishSamples(text.bytes(), samples, metadata), histograms };
    },
  };

  type Add = (suffix: string, extra: readonly [string, string] | undefined, value: number) => number;

  function addValues(metric: ProtoMetric, type: MetricType, add: Add): void {
    if (type !== 'summary') {
      const sample = add('', undefined, metric.value);
      if (type === 'counter') for (const exemplar of metric.exemplars) samples.exemplars.push({ ...exemplar, sample });
      return;
    }
    add('_count', undefined, metric.count);
    add('_sum', undefined, metric.sum);
    for (const { quantile, value } of metric.quantiles) add('', ['quantile', openMetricsFloat(quantile)], value);
  }

  function addHistogram(metric: ProtoMetric, add: Add): void {
    const { native } = metric;
    if (native !== undefined && options.nativeHistograms) {
      const start = text.at;
      text.addSeries(family!.name, metric.labels, undefined);
      histograms.push({
        seriesStart: start,
        seriesEnd: text.at,
        timestampMs: metric.timestampMs,
        histogram: family!.type === 'gaugehistogram' ? { ...native, counterResetHint: 'gauge' } : native,
        exemplars: metric.exemplars,
      });
      if (!options.classicToo) return;
    }
    add('_count', undefined, metric.count);
    add('_sum', undefined, metric.sum);
    let hasInfinity = false;
    for (const { bound, count, exemplar } of metric.buckets) {
      if (bound === Number.POSITIVE_INFINITY) hasInfinity = true;
      const sample = add('_bucket', ['le', openMetricsFloat(bound)], count);
      if (exemplar !== undefined) samples.exemplars.push({ ...exemplar, sample });
    }
    if (!hasInfinity) add('_bucket', ['le', '+Inf'], metric.count);
  }
}

function readFamily(reader: ProtoReader, metadata: FamilyMetadata[]): Family {
  let name = '';
  let help = '';
  let unit = '';
  let type = 0;
  const metrics: number[] = [];
  while (nextField(reader)) {
    if (reader.field === 1) name = readString(reader);
    else if (reader.field === 2) help = readString(reader);
    else if (reader.field === 3) type = readUint32(reader);
    else if (reader.field === 5) unit = readString(reader);
    else if (reader.field === 4) {
      readLength(reader);
      metrics.push(reader.at, reader.valueEnd);
      reader.at = reader.valueEnd;
    } else skipField(reader);
  }
  if (name === '') throw malformed('protobuf: a metric family without a name');
  const known = TYPES[type];
  if (known === undefined)
    throw malformed(`protobuf: metric family ${JSON.stringify(name)} has the unknown type ${type}`);
  metadata.push({ family: name, type: known, help, unit });
  return { name, type: known, metrics, next: 0 };
}

/** Series texts, one behind the other. */
class TextBuffer {
  #buffer: Buffer;
  at = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.at);
  }

  addSeries(name: string, labels: readonly string[], extra: readonly [string, string] | undefined): void {
    let text = `{${quoted(name)}`;
    for (let i = 0; i < labels.length; i += 2) text += `,${quoted(labels[i]!)}=${quoted(labels[i + 1]!)}`;
    if (extra !== undefined) text += `,${extra[0]}=${quoted(extra[1])}`;
    text += '}\n';
    const needed = this.at + text.length * 3;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.at);
      this.#buffer = larger;
    }
    this.at += this.#buffer.write(text, this.at);
  }
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`;
}
