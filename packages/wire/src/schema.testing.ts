import { create, createFileRegistry, type DescMessage } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

/** `name: 'type'`, `'repeated type'` or `'optional type'`, where a type with a capital letter is a message. */
export type FieldSpec = readonly [number: number, name: string, type: string];

/** Message descriptors for the reference codec, without a code generator. */
export function buildMessages(packageName: string, messages: Readonly<Record<string, readonly FieldSpec[]>>) {
  const file = create(FileDescriptorProtoSchema, {
    name: `${packageName}.proto`,
    package: packageName,
    syntax: 'proto3',
    messageType: Object.entries(messages).map(([name, fields]) => {
      const optionals = fields.filter(([, , type]) => type.startsWith('optional '));
      return {
        name,
        oneofDecl: optionals.map(([, fieldName]) => ({ name: `_${fieldName}` })),
        field: fields.map((spec) => fieldOf(packageName, spec, optionals.indexOf(spec))),
      };
    }),
  });
  const registry = createFileRegistry(file, () => undefined);
  return (name: string): DescMessage => registry.getMessage(`${packageName}.${name}`)!;
}

function fieldOf(packageName: string, [number, name, spec]: FieldSpec, optionalIndex: number) {
  const [type, modifier] = spec.split(' ').reverse() as [string, string | undefined];
  const isMessage = /^[A-Z]/.test(type);
  return {
    number,
    name,
    jsonName: name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    label: modifier === 'repeated' ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
    type: isMessage
      ? FieldDescriptorProto_Type.MESSAGE
      : FieldDescriptorProto_Type[type.toUpperCase() as keyof typeof FieldDescriptorProto_Type],
    ...(isMessage ? { typeName: `.${packageName}.${type}` } : {}),
    ...(optionalIndex >= 0 ? { oneofIndex: optionalIndex, proto3Optional: true } : {}),
  };
}

export const remoteWriteMessage = buildMessages('prometheus', {
  WriteRequest: [
    [1, 'timeseries', 'repeated TimeSeries'],
    [3, 'metadata', 'repeated MetricMetadata'],
  ],
  TimeSeries: [
    [1, 'labels', 'repeated Label'],
    [2, 'samples', 'repeated Sample'],
    [3, 'exemplars', 'repeated Exemplar'],
    [4, 'histograms', 'repeated Histogram'],
  ],
  Label: [
    [1, 'name', 'string'],
    [2, 'value', 'string'],
  ],
  Sample: [
    [1, 'value', 'double'],
    [2, 'timestamp', 'int64'],
  ],
  Exemplar: [
    [1, 'labels', 'repeated Label'],
    [2, 'value', 'double'],
    [3, 'timestamp', 'int64'],
  ],
  MetricMetadata: [
    [1, 'type', 'uint32'],
    [2, 'metric_family_name', 'string'],
    [4, 'help', 'string'],
    [5, 'unit', 'string'],
  ],
  Span: [
    [1, 'offset', 'sint32'],
    [2, 'length', 'uint32'],
  ],
  Histogram: [
    [1, 'count_int', 'optional uint64'],
    [2, 'count_float', 'optional double'],
    [3, 'sum', 'double'],
    [4, 'schema', 'sint32'],
    [5, 'zero_threshold', 'double'],
    [6, 'zero_count_int', 'optional uint64'],
    [7, 'zero_count_float', 'optional double'],
    [8, 'negative_spans', 'repeated Span'],
    [9, 'negative_deltas', 'repeated sint64'],
    [10, 'negative_counts', 'repeated double'],
    [11, 'positive_spans', 'repeated Span'],
    [12, 'positive_deltas', 'repeated sint64'],
    [13, 'positive_counts', 'repeated double'],
    [14, 'reset_hint', 'uint32'],
    [15, 'timestamp', 'int64'],
    [16, 'custom_values', 'repeated double'],
  ],
});

export const logMessage = buildMessages('opendata.log.v1', {
  Record: [
    [1, 'key', 'optional bytes'],
    [2, 'value', 'optional bytes'],
    [3, 'timestamp_ms', 'optional int64'],
    [4, 'headers', 'repeated Header'],
  ],
  Header: [
    [1, 'name', 'string'],
    [2, 'value', 'bytes'],
  ],
  AppendRequest: [
    [1, 'records', 'repeated Record'],
    [2, 'await_durable', 'bool'],
  ],
  AppendResponse: [
    [1, 'status', 'string'],
    [2, 'records_appended', 'int32'],
    [3, 'start_sequence', 'uint64'],
  ],
  Value: [
    [1, 'sequence', 'uint64'],
    [2, 'value', 'bytes'],
    [3, 'timestamp_ms', 'optional int64'],
    [4, 'headers', 'repeated Header'],
    [5, 'arrival_time_ms', 'int64'],
    [6, 'key', 'optional bytes'],
  ],
  SessionAck: [
    [1, 'frames', 'uint32'],
    [2, 'start_sequence', 'uint64'],
    [3, 'records_appended', 'uint32'],
    [4, 'status', 'uint32'],
    [5, 'message', 'string'],
    [6, 'closed', 'bool'],
  ],
  ScanResponse: [
    [1, 'status', 'string'],
    [2, 'key', 'optional bytes'],
    [3, 'values', 'repeated Value'],
    [4, 'next_sequence', 'uint64'],
  ],
  Key: [[1, 'key', 'bytes']],
  KeysResponse: [
    [1, 'status', 'string'],
    [2, 'keys', 'repeated Key'],
  ],
  Segment: [
    [1, 'id', 'uint32'],
    [2, 'start_seq', 'uint64'],
    [3, 'start_time_ms', 'int64'],
  ],
  SegmentsResponse: [
    [1, 'status', 'string'],
    [2, 'segments', 'repeated Segment'],
  ],
  CountResponse: [
    [1, 'status', 'string'],
    [2, 'count', 'uint64'],
  ],
});
