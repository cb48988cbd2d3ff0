import { malformed, WireError } from '../errors.ts';
import { readUtf8 } from '../utf8.ts';
import {
  asObject,
  booleanField,
  field,
  type JsonObject,
  listField,
  readField,
  stringField,
  within,
} from './json-fields.ts';
import { parseJsonInSteps } from './json-in-steps.ts';
import { attributesOf, pointOf } from './json-points.ts';
import {
  type OtlpMetric,
  type OtlpPart,
  type OtlpPoint,
  type OtlpResource,
  type OtlpScope,
  type OtlpTemporality,
  POINTS_PER_PART,
  TEMPORALITIES,
} from './model.ts';

/** Characters that take some 2 ms. */
const PARSED_AT_ONCE = 256 * 1024;

const DATA_FIELDS = [
  ['gauge', 'gauge'],
  ['sum', 'sum'],
  ['histogram', 'histogram'],
  ['exponentialHistogram', 'exponential'],
  ['summary', 'summary'],
] as const;

/**
 * The metrics of a request in JSON, part by part as they are asked for; `undefined` is none, for a turn.
 * @throws WireError malformed, unsupported
 */
export function* decodeJson(body: Uint8Array): Generator<OtlpPart | undefined, void, void> {
  const request = asObject(yield* parse(body));
  for (const [i, resourceMetrics] of listField(request, 'resourceMetrics').entries()) {
    try {
      yield* resourceParts(asObject(resourceMetrics));
    } catch (error) {
      throw within(error, `resourceMetrics[${i}]`);
    }
  }
}

function* resourceParts(resourceMetrics: JsonObject): Generator<OtlpPart, void, void> {
  const resource: OtlpResource = {
    attributes: readField(resourceMetrics, 'resource', (each) => attributesOf(each)) ?? [],
  };
  for (const [i, scopeMetrics] of listField(resourceMetrics, 'scopeMetrics').entries()) {
    try {
      yield* scopeParts(resource, asObject(scopeMetrics));
    } catch (error) {
      throw within(error, `scopeMetrics[${i}]`);
    }
  }
}

function* scopeParts(resource: OtlpResource, scopeMetrics: JsonObject): Generator<OtlpPart, void, void> {
  const scope = scopeOf(scopeMetrics);
  for (const [i, value] of listField(scopeMetrics, 'metrics').entries()) {
    try {
      yield* metricParts(resource, scope, asObject(value));
    } catch (error) {
      throw within(error, `metrics[${i}]`);
    }
  }
}

function* metricParts(resource: OtlpResource, scope: OtlpScope, object: JsonObject): Generator<OtlpPart, void, void> {
  const { metric, data, points } = metricOf(object);
  let at = 0;
  try {
    for (let from = 0; from === 0 || from < points.length; from += POINTS_PER_PART) {
      const part: OtlpPoint[] = [];
      for (at = from; at < Math.min(points.length, from + POINTS_PER_PART); at++) {
        part.push(pointOf(points[at], metric.kind));
      }
      yield { resource, scope, metric, points: part };
    }
  } catch (error) {
    throw within(error, `${data}.dataPoints[${at}]`);
  }
}

function* parse(body: Uint8Array): Generator<undefined, unknown, void> {
  const text = readUtf8(body, 0, body.length);
  try {
    return text.length <= PARSED_AT_ONCE ? JSON.parse(text) : yield* parseJsonInSteps(text);
  } catch (error) {
    if (error instanceof RangeError) throw new WireError('unsupported', 'otlp: JSON is nested too deep');
    throw malformed(`otlp: ${error instanceof Error ? error.message : 'invalid JSON'}`);
  }
}

function scopeOf(scopeMetrics: JsonObject): OtlpScope {
  const scope = readField(scopeMetrics, 'scope', (each) => ({
    name: stringField(each, 'name'),
    version: stringField(each, 'version'),
    attributes: attributesOf(each),
  }));
  return {
    name: scope?.name ?? '',
    version: scope?.version ?? '',
    schemaUrl: stringField(scopeMetrics, 'schemaUrl'),
    attributes: scope?.attributes ?? [],
  };
}

interface MetricAndPoints {
  readonly metric: OtlpMetric;
  /** The field that its points are in. */
  readonly data: string;
  readonly points: readonly unknown[];
}

function metricOf(object: JsonObject): MetricAndPoints {
  const found = DATA_FIELDS.find(([name]) => field(object, name) !== undefined);
  const data = found?.[0] ?? '';
  const content =
    found &&
    readField(object, data, (each) => ({
      temporality: temporalityOf(each),
      isMonotonic: booleanField(each, 'isMonotonic'),
      points: listField(each, 'dataPoints'),
    }));
  const metric: OtlpMetric = {
    name: stringField(object, 'name'),
    description: stringField(object, 'description'),
    unit: stringField(object, 'unit'),
    kind: found?.[1] ?? 'none',
    temporality: content?.temporality ?? 'unspecified',
    isMonotonic: content?.isMonotonic ?? false,
  };
  return { metric, data, points: content?.points ?? [] };
}

/** A number, or the name of the enum's value. */
function temporalityOf(data: JsonObject): OtlpTemporality {
  const value = field(data, 'aggregationTemporality');
  if (typeof value === 'number') return TEMPORALITIES[value] ?? 'unspecified';
  const name = String(value ?? '').toLowerCase();
  return TEMPORALITIES.find((one) => name === `aggregation_temporality_${one}`) ?? 'unspecified';
}
