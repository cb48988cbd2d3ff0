import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from './client.testing.ts';
import { type ServerProcess, startServer } from './server-process.testing.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema: { readonly type: string };
}

interface Operation {
  readonly parameters?: readonly { readonly $ref: string }[];
  readonly responses: Record<string, { readonly content: Record<string, { readonly schema: { $ref?: string } }> }>;
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly parameters: Record<string, Parameter> };
}

let server: ServerProcess;
let document: Document;
let ajv: Ajv2020;
beforeAll(async () => {
  server = await startServer(['--in-memory']);
  document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Document;
  ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema(document as unknown as Record<string, unknown>, 'api');
  const headers = { 'content-type': 'application/json' };
  const records = [{ key: 'aw==', value: 'dg==', timestampMs: 5, headers: [{ name: 'n', value: 'dg==' }] }];
  const body = JSON.stringify({ records, awaitDurable: true });
  await fetch(`${server.url}/api/v1/log/append`, { method: 'POST', headers, body });
  await createClient(server.url, 'json').append([['other', 'x']], true);
});
afterAll(async () => {
  await server.stop();
});

function schemaOf(reference: string): ValidateFunction {
  return ajv.getSchema(`api${reference}`)!;
}

/** Asks, and holds the answer against what the document says of its status. */
async function ask(target: string, init: RequestInit = {}): Promise<{ status: number; type: string }> {
  const [path] = target.split('?', 1);
  const response = await fetch(`${server.url}${target}`, init);
  const body = Buffer.from(await response.arrayBuffer());
  const operation = document.paths[path!]![(init.method ?? 'GET').toLowerCase()]!;
  const described = operation.responses[response.status];
  expect(described, `${target} answers ${response.status} ${body}`).toBeDefined();
  const type = response.headers.get('content-type')!.replace(/; (charset|version)=.*$/, '');
  expect(Object.keys(described!.content)).toContain(type);
  const reference = described!.content[type]!.schema.$ref;
  if (reference !== undefined) {
    const validate = schemaOf(reference);
    validate(JSON.parse(body.toString()));
    expect(validate.errors, `${target}: ${body}`).toBeNull();
  }
  return { status: response.status, type };
}

const json = { 'content-type': 'application/json' };
const key = 'key=k';

describe('answers are as the OpenAPI document says', () => {
  it.each([
    '/',
    '/openapi.json',
    '/metrics',
    '/-/healthy',
    '/-/ready',
    `/api/v1/log/scan?${key}`,
    `/api/v1/log/scan?${key}&arrival_times=true`,
    '/api/v1/log/read',
    '/api/v1/log/read?arrival_times=true&durable=true&reverse=true',
    '/api/v1/log/keys',
    '/api/v1/log/segments',
    `/api/v1/log/count?${key}`,
    `/api/v1/log/inspect?${key}`,
    '/api/v1/log/durable?min_seq=1',
  ])('GET %s', async (target) => {
    expect((await ask(target)).status).toBe(200);
    const protobuf = await ask(target, { headers: { accept: 'application/protobuf' } });
    const [path] = target.split('?', 1);
    const hasProtobuf = 'application/protobuf' in document.paths[path!]!['get']!.responses['200']!.content;
    expect(protobuf.type === 'application/protobuf').toBe(hasProtobuf);
  });

  it.each([
    ['/api/v1/log/append', json, '{"records":[]}', 200],
    ['/api/v1/log/append', json, '{"records":[{}]}', 400],
    ['/api/v1/log/append', { 'content-type': 'application/protobuf', accept: 'application/protobuf' }, '', 200],
    ['/api/v1/log/flush', {}, undefined, 200],
    ['/api/v1/log/session', { 'content-type': 'application/protobuf' }, '', 200],
    ['/api/v1/log/session', json, '', 415],
  ] as const)('POST %s %o %s', async (path, headers, body, status) => {
    expect((await ask(path, { method: 'POST', headers, ...(body !== undefined && { body }) })).status).toBe(status);
  });

  it('to too many records', async () => {
    const records = Array.from({ length: 20_000 }, () => ({ key: '', value: '' }));
    const body = JSON.stringify({ records });
    expect((await ask('/api/v1/log/append', { method: 'POST', headers: json, body })).status).toBe(413);
  });

  it('as events', async () => {
    const abort = new AbortController();
    const target = `${server.url}/api/v1/log/tail?start_seq=0&arrival_times=true`;
    const response = await fetch(target, { signal: abort.signal });
    const described = document.paths['/api/v1/log/tail']!['get']!.responses['200']!.content;
    expect(Object.keys(described)).toEqual([response.headers.get('content-type')]);
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      if (text.split('data: ').length > 2 && text.endsWith('\n\n')) break;
    }
    abort.abort();
    const validate = schemaOf('#/components/schemas/KeyedValue');
    const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!));
    expect(events.length).toBe(2);
    for (const event of events) {
      validate(event);
      expect(validate.errors).toBeNull();
    }
  });
});

it('every parameter of the document is read: each refuses what does not fit', async () => {
  let checked = 0;
  for (const [path, { get }] of Object.entries(document.paths)) {
    for (const { $ref } of get?.parameters ?? []) {
      const parameter = document.components.parameters[$ref.split('/').at(-1)!]!;
      const needed = path.endsWith('scan') || path.endsWith('count') || path.endsWith('inspect') ? key : '';
      if (parameter.in === 'header') {
        const { status } = await ask(path, { headers: { [parameter.name]: 'x' } });
        expect(status, `${path} ${parameter.name}`).toBe(400);
        continue;
      }
      const isBytes =
        parameter.name.startsWith('key') || parameter.name.startsWith('prefix') || parameter.name.startsWith('after');
      const query = isBytes ? `${parameter.name}=%zz` : `${needed}&${parameter.name}=x`;
      const { status } = await ask(`${path}?${query}`);
      expect(status, `${path}?${query}`).toBe(400);
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(50);
});
