import type { ParameterName } from './parameters.ts';
import type { schemas } from './schemas.ts';

type SchemaName = keyof typeof schemas;

const json = 'application/json';
const protobuf = 'application/protobuf';
const delimited = 'application/protobuf; encoding=delimited';
const messages = 'docs/log-wire-format.md';

const errorTexts = {
  400: 'The request is wrong; the message says what.',
  403: 'A read-only server follows a log that another process writes, and takes no writes.',
  413: 'The body is too large, or has too many records.',
  415: 'The content type is not one that is taken.',
  429: 'More waits to become durable or to be stored than the budget allows. Nothing was written.',
  503: 'The log is being recovered or stopped, or its storage does not answer in time.',
} as const;

const ref = (kind: 'schemas' | 'parameters', name: string) => ({ $ref: `#/components/${kind}/${name}` });
const bytesOf = (message: string) => ({ schema: { type: 'string', description: `${message}, see ${messages}` } });

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly ParameterName[];
  readonly requestBody?: object;
  /** The answer's schema; with `message` it is there in protobuf as well. */
  readonly answer?: SchemaName;
  readonly message?: string;
  /** Other content of the answer. */
  readonly content?: Record<string, object>;
  readonly errors?: readonly (keyof typeof errorTexts)[];
}

function operation(name: string, { summary, answer, message, content, ...rest }: Operation): object {
  const headers = { 'Retry-After': { description: 'seconds', schema: { type: 'integer', minimum: 1 } } };
  const errors = (rest.errors ?? []).map((status) => [
    status,
    {
      description: errorTexts[status],
      ...((status === 429 || status === 503) && { headers }),
      content: { [json]: { schema: ref('schemas', 'Error') } },
    },
  ]);
  return {
    operationId: name,
    summary,
    ...(rest.parameters && { parameters: rest.parameters.map((each) => ref('parameters', each)) }),
    ...(rest.requestBody && { requestBody: rest.requestBody }),
    responses: {
      200: {
        description: 'Success',
        content: {
          ...(answer !== undefined && { [json]: { schema: ref('schemas', answer) } }),
          ...(message !== undefined && { [protobuf]: bytesOf(message) }),
          ...content,
        },
      },
      ...Object.fromEntries(errors),
    },
  };
}

const oneKey = ['key', 'keyBase64'] as const;
const anyKeys = ['keys', 'keysBase64', 'prefixes', 'prefixesBase64'] as const;
const range = ['startSeq', 'endSeq'] as const;
const records = [...range, 'startTime', 'tail', 'limit', 'reverse', 'arrivalTimes', 'follow', 'timeout'] as const;
const text = (description: string) => ({ 'text/plain': { schema: { type: 'string', description } } });

export const paths = {
  '/api/v1/log/append': {
    post: operation('append', {
      summary: 'Append records, all or none, under consecutive sequences',
      requestBody: {
        required: true,
        content: { [json]: { schema: ref('schemas', 'AppendRequest') }, [protobuf]: bytesOf('AppendRequest') },
      },
      answer: 'AppendResponse',
      message: 'AppendResponse',
      errors: [400, 403, 413, 429, 503],
    }),
  },
  '/api/v1/log/session': {
    post: operation('session', {
      summary: 'Append many small batches on one connection, acknowledged in their order',
      parameters: ['ordered'],
      requestBody: {
        required: true,
        content: { [delimited]: bytesOf('A stream of AppendRequest messages, each after its length as a varint') },
      },
      content: { [delimited]: bytesOf('A stream of SessionAck messages, each after its length as a varint') },
      errors: [403, 415, 503],
    }),
  },
  '/api/v1/log/scan': {
    get: operation('scan', {
      summary: 'The next records of a key',
      parameters: [...oneKey, ...records, 'durable'],
      answer: 'ScanResponse',
      message: 'ScanResponse',
      errors: [400, 503],
    }),
  },
  '/api/v1/log/read': {
    get: operation('read', {
      summary: 'The next records of many keys, or of all, in the order of the log',
      parameters: [...anyKeys, ...records, 'durable'],
      answer: 'ReadResponse',
      message: 'ScanResponse without its key',
      errors: [400, 503],
    }),
  },
  '/api/v1/log/tail': {
    get: operation('tail', {
      summary: 'Records of many keys, or of all, as they come',
      parameters: [
        ...anyKeys,
        'tailStart',
        'tail',
        'startTime',
        'durableTail',
        'arrivalTimes',
        'heartbeat',
        'lastEventId',
      ],
      content: {
        'text/event-stream': {
          schema: {
            type: 'string',
            description:
              'Events of which `id` is the sequence of a record and `data` a KeyedValue; a comment with an `id` as heartbeat.',
          },
        },
      },
      errors: [400, 503],
    }),
  },
  '/api/v1/log/count': {
    get: operation('count', {
      summary: 'The exact number of records of a key',
      parameters: [...oneKey, ...range],
      answer: 'CountResponse',
      message: 'CountResponse',
      errors: [400, 503],
    }),
  },
  '/api/v1/log/inspect': {
    get: operation('inspect', {
      summary: 'What a scan of a key meets and costs, by segment',
      parameters: [...oneKey, ...range],
      answer: 'InspectResponse',
      errors: [400, 503],
    }),
  },
  '/api/v1/log/keys': {
    get: operation('keys', {
      summary: 'Distinct keys in the order of their bytes',
      parameters: ['startSegment', 'endSegment', 'keysLimit', 'prefix', 'prefixBase64', 'after', 'afterBase64'],
      answer: 'KeysResponse',
      message: 'KeysResponse',
      errors: [400, 503],
    }),
  },
  '/api/v1/log/segments': {
    get: operation('segments', {
      summary: 'The segments that have records in a range',
      parameters: range,
      answer: 'SegmentsResponse',
      message: 'SegmentsResponse',
      errors: [400, 503],
    }),
  },
  '/api/v1/log/flush': {
    post: operation('flush', {
      summary: 'Make everything appended so far durable',
      answer: 'DurableResponse',
      errors: [403, 503],
    }),
  },
  '/api/v1/log/durable': {
    get: operation('durable', {
      summary: 'Up to where the log is durable, as soon as it is or at the time-out',
      parameters: ['minSeq', 'timeout'],
      answer: 'DurableResponse',
      errors: [400, 503],
    }),
  },
  '/': { get: operation('links', { summary: 'What there is here', answer: 'Links' }) },
  '/openapi.json': {
    get: operation('openapi', { summary: 'This document', content: { [json]: { schema: { type: 'object' } } } }),
  },
  '/metrics': {
    get: operation('metrics', {
      summary: 'Metrics for Prometheus',
      content: {
        ...text('Prometheus text format'),
        'application/openmetrics-text': { schema: { type: 'string' } },
      },
    }),
  },
  '/-/healthy': { get: operation('healthy', { summary: 'Whether the process runs', content: text('OK') }) },
  '/-/ready': {
    get: {
      operationId: 'ready',
      summary: 'Whether the log is recovered and its storage answers',
      responses: {
        200: { description: 'Ready', content: text('Ready') },
        503: { description: 'Not ready, and why', content: text('Not Ready: …') },
      },
    },
  },
};
