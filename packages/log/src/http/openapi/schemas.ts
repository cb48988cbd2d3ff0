/** JSON schemas of the API: `components.schemas` of the document. */

const sequence = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;
const timeMs = { type: 'integer', description: 'ms since 1970' } as const;
const base64 = { type: 'string', contentEncoding: 'base64' } as const;
const success = { const: 'success' } as const;

/** An object of which these members are required; there may be others in later versions of a request only. */
function object(required: Record<string, object>, optional: Record<string, object> = {}): object {
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
    unevaluatedProperties: false,
  };
}

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const list = (name: string) => ({ type: 'array', items: ref(name) });

export const schemas = {
  Header: object({ name: { type: 'string', minLength: 1 }, value: base64 }),
  Record: {
    type: 'object',
    description: 'One record to append. Keys have at most 65,535 bytes.',
    required: ['key', 'value'],
    properties: { key: base64, value: base64, timestampMs: timeMs, headers: list('Header') },
  },
  AppendRequest: {
    type: 'object',
    required: ['records'],
    properties: { records: list('Record'), awaitDurable: { type: 'boolean', default: false } },
  },
  AppendResponse: object({
    status: success,
    recordsAppended: { type: 'integer', minimum: 0 },
    startSequence: sequence,
  }),
  Value: object(
    { sequence, value: base64 },
    {
      arrivalTimeMs: { ...timeMs, description: 'when the log took it; only if asked for' },
      timestampMs: { ...timeMs, description: "the client's own time" },
      headers: list('Header'),
    },
  ),
  KeyedValue: object(
    { sequence, key: base64, value: base64 },
    { arrivalTimeMs: timeMs, timestampMs: timeMs, headers: list('Header') },
  ),
  ScanResponse: object({ status: success, key: base64, values: list('Value'), nextSequence: sequence }),
  ReadResponse: object({ status: success, values: list('KeyedValue'), nextSequence: sequence }),
  KeysResponse: object({ status: success, keys: { type: 'array', items: object({ key: base64 }) } }),
  SegmentsResponse: object({
    status: success,
    segments: {
      type: 'array',
      items: object({ id: { type: 'integer', minimum: 1 }, startSeq: sequence, startTimeMs: timeMs }),
    },
  }),
  CountResponse: object({ status: success, count: sequence }),
  InspectResponse: object({
    status: success,
    total: sequence,
    pages: { type: 'integer', minimum: 0 },
    segments: {
      type: 'array',
      items: object({
        id: { type: 'integer', minimum: 1 },
        sealed: { type: 'boolean' },
        count: sequence,
        pages: { type: 'integer', minimum: 0 },
      }),
    },
  }),
  DurableResponse: object({ status: success, durableSequence: sequence, nextSequence: sequence }),
  Links: object({
    name: { const: 'opendata-log' },
    links: { type: 'object', additionalProperties: { type: 'string' } },
  }),
  Error: object({ status: { const: 'error' }, message: { type: 'string', minLength: 1 } }),
};
