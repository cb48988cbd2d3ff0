import {
  createProtoReader,
  enterMessage,
  leaveMessage,
  nextField,
  type ProtoReader,
  readBool,
  readLength,
  readString,
  readUint32,
  seek,
  skipField,
} from '../proto-reader.ts';
import {
  type OtlpMetric,
  type OtlpPart,
  type OtlpPoint,
  type OtlpResource,
  type OtlpScope,
  POINTS_PER_PART,
  TEMPORALITIES,
} from './model.ts';
import { readPoint } from './protobuf-points.ts';
import { readAttribute } from './protobuf-values.ts';

const KINDS: ReadonlyMap<number, OtlpMetric['kind']> = new Map([
  [5, 'gauge'],
  [7, 'sum'],
  [9, 'histogram'],
  [10, 'exponential'],
  [11, 'summary'],
]);

/** Byte ranges of messages: start, end, start, end, … */
type Ranges = number[];

/**
 * The metrics of an ExportMetricsServiceRequest, part by part as they are asked for.
 * @throws WireError malformed, unsupported
 */
export function* decodeProtobuf(body: Uint8Array): Generator<OtlpPart, void, void> {
  const reader = createProtoReader(body);
  const resources: Ranges = [];
  while (nextField(reader)) {
    if (reader.field === 1) addRange(reader, resources);
    else skipField(reader);
  }
  for (let i = 0; i < resources.length; i += 2) {
    seek(reader, resources[i]!, resources[i + 1]!);
    yield* resourceMetrics(reader);
  }
}

function* resourceMetrics(reader: ProtoReader): Generator<OtlpPart, void, void> {
  const attributes: string[] = [];
  const scopes: Ranges = [];
  while (nextField(reader)) {
    if (reader.field === 1) readResource(reader, attributes);
    else if (reader.field === 2) addRange(reader, scopes);
    else skipField(reader);
  }
  const resource: OtlpResource = { attributes };
  for (let i = 0; i < scopes.length; i += 2) {
    seek(reader, scopes[i]!, scopes[i + 1]!);
    yield* scopeMetrics(reader, resource);
  }
}

function readResource(reader: ProtoReader, attributes: string[]): void {
  const outerEnd = enterMessage(reader);
  while (nextField(reader)) {
    if (reader.field === 1) readAttribute(reader, attributes);
    else skipField(reader);
  }
  leaveMessage(reader, outerEnd);
}

function* scopeMetrics(reader: ProtoReader, resource: OtlpResource): Generator<OtlpPart, void, void> {
  const metrics: Ranges = [];
  const attributes: string[] = [];
  let name = '';
  let version = '';
  let schemaUrl = '';
  while (nextField(reader)) {
    if (reader.field === 1) {
      const outerEnd = enterMessage(reader);
      while (nextField(reader)) {
        if (reader.field === 1) name = readString(reader);
        else if (reader.field === 2) version = readString(reader);
        else if (reader.field === 3) readAttribute(reader, attributes);
        else skipField(reader);
      }
      leaveMessage(reader, outerEnd);
    } else if (reader.field === 2) addRange(reader, metrics);
    else if (reader.field === 3) schemaUrl = readString(reader);
    else skipField(reader);
  }
  const scope: OtlpScope = { name, version, schemaUrl, attributes };
  for (let i = 0; i < metrics.length; i += 2) {
    seek(reader, metrics[i]!, metrics[i + 1]!);
    const { metric, points } = readMetric(reader);
    for (let from = 0; from === 0 || from < points.length; from += 2 * POINTS_PER_PART) {
      yield { resource, scope, metric, points: readPoints(reader, metric, points, from) };
    }
  }
}

function readMetric(reader: ProtoReader): { metric: OtlpMetric; points: Ranges } {
  let name = '';
  let description = '';
  let unit = '';
  let kind: OtlpMetric['kind'] = 'none';
  let temporality = 0;
  let isMonotonic = false;
  let points: Ranges = [];
  while (nextField(reader)) {
    if (reader.field === 1) name = readString(reader);
    else if (reader.field === 2) description = readString(reader);
    else if (reader.field === 3) unit = readString(reader);
    else if (!KINDS.has(reader.field)) skipField(reader);
    else {
      // Of several kinds of data in one message, protobuf keeps the last.
      const newKind = KINDS.get(reader.field)!;
      if (newKind !== kind) {
        kind = newKind;
        points = [];
        temporality = 0;
        isMonotonic = false;
      }
      const outerEnd = enterMessage(reader);
      while (nextField(reader)) {
        if (reader.field === 1) addRange(reader, points);
        else if (reader.field === 2 && hasTemporality(kind)) temporality = readUint32(reader);
        else if (reader.field === 3 && kind === 'sum') isMonotonic = readBool(reader);
        else skipField(reader);
      }
      leaveMessage(reader, outerEnd);
    }
  }
  const metric: OtlpMetric = {
    name,
    description,
    unit,
    kind,
    temporality: TEMPORALITIES[temporality] ?? 'unspecified',
    isMonotonic,
  };
  return { metric, points };
}

function hasTemporality(kind: OtlpMetric['kind']): boolean {
  return kind === 'sum' || kind === 'histogram' || kind === 'exponential';
}

function readPoints(reader: ProtoReader, metric: OtlpMetric, ranges: Ranges, from: number): OtlpPoint[] {
  const points: OtlpPoint[] = [];
  const end = Math.min(ranges.length, from + 2 * POINTS_PER_PART);
  for (let i = from; i < end; i += 2) {
    seek(reader, ranges[i]!, ranges[i + 1]!);
    points.push(readPoint(reader, metric.kind));
  }
  return points;
}

function addRange(reader: ProtoReader, ranges: Ranges): void {
  readLength(reader);
  ranges.push(reader.at, reader.valueEnd);
  reader.at = reader.valueEnd;
}
