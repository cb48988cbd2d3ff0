/** A small client of the log's two formats, independent of the server's own codecs. */

export type Format = 'json' | 'protobuf';

export interface Read {
  readonly values: { sequence: number; value: string }[];
  readonly nextSequence: number;
}

const types: Record<Format, string> = { json: 'application/protobuf+json', protobuf: 'application/protobuf' };

/** All that an answer in JSON may have. */
interface Json {
  readonly recordsAppended: number;
  readonly startSequence: number;
  readonly values: { readonly sequence: number; readonly value: string }[];
  readonly nextSequence: number;
  readonly keys: { readonly key: string }[];
  readonly segments: { id: number; startSeq: number; startTimeMs: number }[];
  readonly count: number;
}

interface Answer {
  /** Undefined in protobuf. */
  readonly json: Json | undefined;
  readonly fields: Field[];
}

export interface Client {
  append(
    records: readonly (readonly [key: string, value: string])[],
    durable?: boolean,
  ): Promise<{ count: number; start: number }>;
  scan(query: string): Promise<Read>;
  keys(query?: string): Promise<string[]>;
  segments(query?: string): Promise<{ id: number; startSeq: number; startTimeMs: number }[]>;
  count(query: string): Promise<number>;
}

export function createClient(url: string, format: Format): Client {
  const accept = { Accept: types[format] };
  async function get(path: string): Promise<Answer> {
    return read(await fetch(`${url}/api/v1/log/${path}`, { headers: accept }));
  }
  async function read(response: Response): Promise<Answer> {
    const body = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${body.toString()}`);
    return format === 'json'
      ? { json: JSON.parse(body.toString()), fields: [] }
      : { json: undefined, fields: decode(body) };
  }
  return {
    async append(records, durable = false) {
      const headers = { ...accept, 'Content-Type': types[format] };
      const body = format === 'json' ? appendJson(records, durable) : appendProtobuf(records, durable);
      const response = await fetch(`${url}/api/v1/log/append`, { method: 'POST', headers, body: new Uint8Array(body) });
      const { json, fields } = await read(response);
      if (json !== undefined) return { count: json.recordsAppended, start: json.startSequence };
      return { count: numberOf(fields, 2), start: numberOf(fields, 3) };
    },
    async scan(query) {
      const { json, fields } = await get(`scan?${query}`);
      if (json !== undefined) {
        const values = json.values.map((each) => ({ sequence: each.sequence, value: fromBase64(each.value) }));
        return { values, nextSequence: json.nextSequence };
      }
      const values = messages(fields, 3).map((value) => ({ sequence: numberOf(value, 1), value: textOf(value, 2) }));
      return { values, nextSequence: numberOf(fields, 4) };
    },
    async keys(query = '') {
      const { json, fields } = await get(`keys?${query}`);
      if (json !== undefined) return json.keys.map((each) => fromBase64(each.key));
      return messages(fields, 2).map((key) => textOf(key, 1));
    },
    async segments(query = '') {
      const { json, fields } = await get(`segments?${query}`);
      if (json !== undefined) return json.segments;
      return messages(fields, 2).map((row) => ({
        id: numberOf(row, 1),
        startSeq: numberOf(row, 2),
        startTimeMs: numberOf(row, 3),
      }));
    },
    async count(query) {
      const { json, fields } = await get(`count?${query}`);
      return json !== undefined ? json.count : numberOf(fields, 2);
    },
  };
}

function appendJson(records: readonly (readonly [string, string])[], awaitDurable: boolean): Buffer {
  const rows = records.map(([key, value]) => ({ key: toBase64(key), value: toBase64(value) }));
  return Buffer.from(JSON.stringify({ records: rows, awaitDurable }));
}

function appendProtobuf(records: readonly (readonly [string, string])[], durable: boolean): Buffer {
  const rows = records.map(([key, value]) =>
    field(1, Buffer.concat([field(1, bytesOf(key)), field(2, bytesOf(value))])),
  );
  return Buffer.concat([...rows, ...(durable ? [Buffer.from([0x10, 1])] : [])]);
}

/** Strings stand for bytes here, one character a byte. */
const bytesOf = (text: string) => Buffer.from(text, 'latin1');
const toBase64 = (text: string) => bytesOf(text).toString('base64');
const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString('latin1');

interface Field {
  readonly number: number;
  readonly value: number | Buffer;
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.from([...bytes, value]);
}

function decode(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let offset = 0;
  const next = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[offset++]!;
      value += (byte % 128) * scale;
      if (byte < 128) return value;
    }
  };
  while (offset < bytes.length) {
    const tag = next();
    const value = next();
    if (tag % 8 === 0) fields.push({ number: tag >> 3, value });
    else fields.push({ number: tag >> 3, value: bytes.subarray(offset, (offset += value)) });
  }
  return fields;
}

const numberOf = (fields: Field[], number: number) => Number(fields.find((each) => each.number === number)?.value ?? 0);
const messages = (fields: Field[], number: number) =>
  fields.filter((each) => each.number === number).map((each) => decode(each.value as Buffer));
const textOf = (fields: Field[], number: number) =>
  ((fields.find((each) => each.number === number)?.value ?? Buffer.alloc(0)) as Buffer).toString('latin1');
