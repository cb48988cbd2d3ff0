import { WireError } from '../errors.ts';
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

/** Most resources, scopes, metrics and points of a request together: an empty one takes two bytes. */
const MAX_MESSAGES = 1_000_000;
/** Where there are no points to speak of, whoever asks for parts has a turn after so many messages. */
const MESSAGES_PER_TURN = 1024;

interface Decoding {
  readonly reader: ProtoReader;
  /** So far. */
  messages: number;
}

/**
 * The metrics of an ExportMetricsServiceRequest, part by part as they are asked for; `undefined` is none, for a turn.
 * @throws WireError malformed, unsupported, too_large
 */
export function* decodeProtobuf(body: Uint8Array): Generator<OtlpPart | undefined, void, void> {
  const reader = createProtoReader(body);
  const decoding: Decoding = { reader, messages: 0 };
  const resources: Ranges = [];
  while (nextField(reader)) {
    if (reader.field === 1) addRange(decoding, resources);
    else skipField(reader);
  }
  for (let i = 0; i < resources.length; i += 2) {
    if (i % (2 * MESSAGES_PER_TURN) === 0) yield undefined;
    seek(reader, resources[i]!, resources[i + 1]!);
    yield* resourceMetrics(decoding);
  }
}

function* resourceMetrics(decoding: Decoding): Generator<OtlpPart | undefined, void, void> {
  const { reader } = decoding;
  const attributes: string[] = [];
  const scopes: Ranges = [];
  while (nextField(reader)) {
    if (reader.field === 1) readResource(reader, attributes);
    else if (reader.field === 2) addRange(decoding, scopes);
    else skipField(reader);
  }
  const resource: OtlpResource = { attributes };
  for (let i = 0; i < scopes.length; i += 2) {
    if (i % (2 * MESSAGES_PER_TURN) === 2) yield undefined;
    seek(reader, scopes[i]!, scopes[i + 1]!);
    yield* scopeMetrics(decoding, resource);
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

function* scopeMetrics(decoding: Decoding, resource: OtlpResource): Generator<OtlpPart, void, void> {
  const { reader } = decoding;
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
    } else if (reader.field === 2) addRange(decoding, metrics);
    else if (reader.field === 3) schemaUrl = readString(reader);
    else skipField(reader);
  }
  const scope: OtlpScope = { name, version, schemaUrl, attributes };
  for (let i = 0; i < metrics.length; i += 2) {
    seek(reader, metrics[i]!, metrics[i + 1]!);
    const { metric, points } = readMetric(decoding);
    for (let from = 0; from === 0 || from < points.length; from += 2 * POINTS_PER_PART) {
      yield { resource, scope, metric, points: readPoints(reader, metric, points, from) };
    }
  }
}

function readMetric(decoding: Decoding): { metric: OtlpMetric; points: Ranges } {
  const { reader } = decoding;
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
        if (reader.field === 1) addRange(decoding, points);
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

function addRange(decoding: Decoding, ranges: Ranges): void {
  if (++decoding.messages > MAX_MESSAGES) {
    throw new WireError('too_large', `otlp: a request of more than ${MAX_MESSAGES} metrics and points`);
  }
  const { reader } = decoding;
  readLength(reader);
  ranges.push(reader.at, reader.valueEnd);
  reader.at = reader.valueEnd;
}
