/** Parameters of the API: `components.parameters` of the document. */

export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header';
  readonly description: string;
  readonly schema: object;
}

const whole = (fallback?: number) => ({
  type: 'integer',
  minimum: 0,
  ...(fallback !== undefined && { default: fallback }),
});
const bool = (fallback: boolean) => ({ type: 'boolean', default: fallback });
const bytes = { type: 'string', description: 'percent-encoded bytes' };
const base64 = { type: 'string', contentEncoding: 'base64' };

function query(name: string, schema: object, description: string): Parameter {
  return { name, in: 'query', description, schema };
}

const many = (item: object) => ({ type: 'array', items: item });

export const parameters = {
  key: query('key', bytes, 'The key. One of key and key_b64 is needed.'),
  keyBase64: query('key_b64', base64, 'The key in base64.'),
  keys: query('key', many(bytes), 'A key; any number of times.'),
  keysBase64: query('key_b64', many(base64), 'A key in base64; any number of times.'),
  prefixes: query('prefix', many(bytes), 'A prefix of keys; any number of times.'),
  prefixesBase64: query('prefix_b64', many(base64), 'A prefix of keys in base64; any number of times.'),
  startSeq: query('start_seq', whole(0), 'The first sequence.'),
  endSeq: query('end_seq', whole(), 'One past the last sequence; without it there is no end.'),
  startTime: query('start_time_ms', whole(), 'Only what arrived at this time or later, ms since 1970.'),
  tail: query('tail', whole(), 'Only the last so many of these records.'),
  limit: query('limit', whole(32), 'Most records of the answer; with tail its number by default.'),
  reverse: query('reverse', bool(false), 'The newest first; nextSequence is then the end_seq to go on with.'),
  arrivalTimes: query('arrival_times', bool(false), 'Say when the log took each record.'),
  follow: query('follow', bool(false), 'Hold an empty answer back until there is a record.'),
  timeout: query('timeout_ms', whole(30_000), 'How long to hold an answer back, ms.'),
  durable: query('durable', bool(false), 'Only records that are durable.'),
  ordered: query('ordered', bool(false), 'End the session with the first refusal: nothing sent behind it is taken.'),
  durableTail: query('durable', bool(true), 'Only records that are durable.'),
  tailStart: query('start_seq', whole(), 'The first sequence; without it, tail and start_time_ms: from now on.'),
  heartbeat: query('heartbeat_ms', { type: 'integer', minimum: 1, default: 15_000 }, 'Time without an event, ms.'),
  lastEventId: {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'The id of the last event that was seen: goes on behind it, whatever the query says.',
    schema: { type: 'integer', minimum: -1 },
  } satisfies Parameter,
  startSegment: query('start_segment', whole(0), 'The first segment to look into.'),
  endSegment: query('end_segment', whole(), 'One past the last segment to look into.'),
  keysLimit: query('limit', whole(32), 'Most keys of the answer; more than 10,000 count as 10,000.'),
  prefix: query('prefix', bytes, 'Only keys that start with it.'),
  prefixBase64: query('prefix_b64', base64, 'The same in base64.'),
  after: query('after', bytes, 'Only keys behind this one.'),
  afterBase64: query('after_b64', base64, 'The same in base64.'),
  minSeq: query('min_seq', whole(0), 'Answer as soon as everything before it is durable.'),
} as const;

export type ParameterName = keyof typeof parameters;
