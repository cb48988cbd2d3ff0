import { Buffer } from 'node:buffer';
import { WireError } from '../errors.ts';
import {
  asDouble,
  asInteger,
  asObject,
  booleanField,
  doubleField,
  field,
  integerField,
  type JsonObject,
  mapField,
  readField,
  stringField,
  timeField,
  unexpected,
} from './json-fields.ts';
import {
  NO_BUCKETS,
  NO_RECORDED_VALUE,
  type OtlpBuckets,
  type OtlpExemplar,
  type OtlpMetric,
  type OtlpPoint,
} from './model.ts';
import { MAX_VALUE_DEPTH } from './protobuf-values.ts';
import { type OtlpValue, valueText } from './value-text.ts';

/** Keys and texts of values of a list of KeyValues. */
export function attributesOf(object: JsonObject, name = 'attributes'): string[] {
  return mapField(object, name, (entry) => {
    const [key, value] = keyValue(entry, 0);
    return [key, valueText(value)];
  }).flat();
}

function keyValue(entry: unknown, depth: number): [string, OtlpValue] {
  const object = asObject(entry);
  return [stringField(object, 'key'), readField(object, 'value', (value) => anyValue(value, depth)) ?? null];
}

function anyValue(object: JsonObject, depth: number): OtlpValue {
  if (depth === MAX_VALUE_DEPTH) {
    throw new WireError('unsupported', `otlp: a value is nested more than ${MAX_VALUE_DEPTH} deep`);
  }
  if (field(object, 'stringValue') !== undefined) return stringField(object, 'stringValue');
  if (field(object, 'boolValue') !== undefined) return booleanField(object, 'boolValue');
  const integer = field(object, 'intValue');
  if (integer !== undefined) {
    const number = asInteger(integer, 'intValue');
    return Number.isSafeInteger(number) || typeof integer !== 'string' ? number : BigInt.asIntN(64, BigInt(integer));
  }
  const double = doubleField(object, 'doubleValue');
  if (double !== undefined) return { double };
  if (field(object, 'bytesValue') !== undefined) return Buffer.from(stringField(object, 'bytesValue'), 'base64');
  const array = readField(object, 'arrayValue', (list) =>
    mapField(list, 'values', (one) => (one === null ? null : anyValue(asObject(one), depth + 1))),
  );
  if (array !== undefined) return array;
  const entries = readField(object, 'kvlistValue', (list) =>
    mapField(list, 'values', (one) => keyValue(one, depth + 1)),
  );
  return entries === undefined ? null : { entries };
}

/** The data point that the value is. @throws WireError malformed */
export function pointOf(value: unknown, kind: OtlpMetric['kind']): OtlpPoint {
  const point = asObject(value);
  const common = {
    attributes: attributesOf(point),
    startTimeMs: timeField(point, 'startTimeUnixNano'),
    timeMs: timeField(point, 'timeUnixNano'),
    isStale: (integerField(point, 'flags') & NO_RECORDED_VALUE) !== 0,
  };
  if (kind === 'summary') {
    const quantiles = mapField(point, 'quantileValues', (one) => {
      const entry = asObject(one);
      return { quantile: doubleField(entry, 'quantile') ?? 0, value: doubleField(entry, 'value') ?? 0 };
    });
    const sum = doubleField(point, 'sum') ?? 0;
    return { kind: 'summary', ...common, count: integerField(point, 'count'), sum, quantiles };
  }
  const exemplars = mapField(point, 'exemplars', exemplarOf);
  if (kind === 'histogram') {
    return {
      kind,
      ...common,
      count: integerField(point, 'count'),
      sum: doubleField(point, 'sum'),
      bucketCounts: mapField(point, 'bucketCounts', asCount),
      bounds: mapField(point, 'explicitBounds', (one) => asDouble(one)),
      exemplars,
    };
  }
  if (kind === 'exponential') {
    return {
      kind,
      ...common,
      count: integerField(point, 'count'),
      sum: doubleField(point, 'sum'),
      scale: integerField(point, 'scale'),
      zeroCount: integerField(point, 'zeroCount'),
      zeroThreshold: doubleField(point, 'zeroThreshold') ?? 0,
      positive: bucketsOf(point, 'positive'),
      negative: bucketsOf(point, 'negative'),
      exemplars,
    };
  }
  return { kind: 'number', ...common, value: numberOf(point), exemplars };
}

function numberOf(object: JsonObject): number {
  return doubleField(object, 'asDouble') ?? integerField(object, 'asInt');
}

const asCount = (value: unknown) => asInteger(value);

function bucketsOf(point: JsonObject, name: string): OtlpBuckets {
  const buckets = readField(point, name, (value) => ({
    offset: integerField(value, 'offset'),
    counts: mapField(value, 'bucketCounts', asCount),
  }));
  return buckets ?? NO_BUCKETS;
}

function exemplarOf(value: unknown): OtlpExemplar {
  const exemplar = asObject(value);
  return {
    attributes: attributesOf(exemplar, 'filteredAttributes'),
    timeMs: timeField(exemplar, 'timeUnixNano'),
    value: numberOf(exemplar),
    traceId: idField(exemplar, 'traceId'),
    spanId: idField(exemplar, 'spanId'),
  };
}

/** OTLP writes ids in hex, against protobuf's rule for bytes. An id of zeros is none. */
function idField(object: JsonObject, name: string): string {
  const text = stringField(object, name);
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw unexpected(name, 'an id in hex', text);
  return /^0*$/.test(text) ? '' : text.toLowerCase();
}
