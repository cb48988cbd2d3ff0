import { malformed, WireError } from '../errors.ts';
import { readUtf8 } from '../utf8.ts';
import { asObject, booleanField, field, type JsonObject, listField, stringField } from './json-fields.ts';
import { attributesOf, pointOf } from './json-points.ts';
import {
  type OtlpMetric,
  type OtlpPart,
  type OtlpResource,
  type OtlpScope,
  type OtlpTemporality,
  POINTS_PER_PART,
  TEMPORALITIES,
} from './model.ts';

const DATA_FIELDS = [
  ['gauge', 'gauge'],
  ['sum', 'sum'],
  ['histogram', 'histogram'],
  ['exponentialHistogram', 'exponential'],
  ['summary', 'summary'],
] as const;

/**
 * The metrics of a request in JSON, part by part as they are asked for.
 * @throws WireError malformed, unsupported
 */
export function* decodeJson(body: Uint8Array): Generator<OtlpPart, void, void> {
  for (const resourceMetrics of listField(asObject(parse(body), 'the request'), 'resourceMetrics')) {
    const object = asObject(resourceMetrics, 'resourceMetrics');
    const resource: OtlpResource = { attributes: attributesOf(objectField(object, 'resource')) };
    for (const scopeMetrics of listField(object, 'scopeMetrics')) {
      const scopeObject = asObject(scopeMetrics, 'scopeMetrics');
      const scope = scopeOf(scopeObject);
      for (const value of listField(scopeObject, 'metrics')) {
        const { metric, points } = metricOf(asObject(value, 'a metric'));
        for (let from = 0; from === 0 || from < points.length; from += POINTS_PER_PART) {
          const part = points.slice(from, from + POINTS_PER_PART).map((point) => pointOf(point, metric.kind));
          yield { resource, scope, metric, points: part };
        }
      }
    }
  }
}

function parse(body: Uint8Array): unknown {
  const text = readUtf8(body, 0, body.length);
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new WireError('unsupported', 'otlp: JSON is nested too deep');
    throw malformed(`otlp: ${error instanceof Error ? error.message : 'invalid JSON'}`);
  }
}

function objectField(object: JsonObject, name: string): JsonObject {
  const value = field(object, name);
  return value === undefined ? {} : asObject(value, name);
}

function scopeOf(scopeMetrics: JsonObject): OtlpScope {
  const scope = objectField(scopeMetrics, 'scope');
  return {
    name: stringField(scope, 'name'),
    version: stringField(scope, 'version'),
    schemaUrl: stringField(scopeMetrics, 'schemaUrl'),
    attributes: attributesOf(scope),
  };
}

function metricOf(object: JsonObject): { metric: OtlpMetric; points: readonly unknown[] } {
  const found = DATA_FIELDS.find(([name]) => field(object, name) !== undefined);
  const data = found === undefined ? {} : objectField(object, found[0]);
  const metric: OtlpMetric = {
    name: stringField(object, 'name'),
    description: stringField(object, 'description'),
    unit: stringField(object, 'unit'),
    kind: found?.[1] ?? 'none',
    temporality: temporalityOf(data),
    isMonotonic: booleanField(data, 'isMonotonic'),
  };
  return { metric, points: listField(data, 'dataPoints') };
}

/** A number, or the name of the enum's value. */
function temporalityOf(data: JsonObject): OtlpTemporality {
  const value = field(data, 'aggregationTemporality');
  if (typeof value === 'number') return TEMPORALITIES[value] ?? 'unspecified';
  const name = String(value ?? '').toLowerCase();
  return TEMPORALITIES.find((one) => name === `aggregation_temporality_${one}`) ?? 'unspecified';
}
