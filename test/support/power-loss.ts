import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { expect } from 'vitest';
import { sleep } from './load.ts';
import { binPath, freePort, type ServerProcess, startServer } from './server-process.ts';
import { parseTrace, type Syscall, stringsOf, traced } from './syscall-trace.ts';

type Name = 'opendata-timeseries' | 'opendata-log';

/** One request that was acknowledged, by the connection it went over and its place among the requests of that. */
interface Acknowledged {
  readonly client: number;
  readonly number: number;
  readonly port: number;
  readonly index: number;
}

/** What a server did to its folder, and after which line of that it had acknowledged what. */
export interface Recording {
  readonly calls: readonly Syscall[];
  readonly lines: number;
  readonly acknowledged: readonly (Acknowledged & { readonly line: number })[];
}

const clients = 4;
/** Requests of each client, however slow the machine is. */
const leastOfClient = 30;
const seriesOfLarge = 400;
const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 6 * 3_600_000;
const stepMs = 15_000;
/** Every so manieth request is large: its journal row goes to a file of its own. */
const isLarge = (number: number): boolean => number % 5 === 4;
const filler = 'x'.repeat(20_000);

/** Runs a server under strace and load for a while, and kills it. */
export async function record(
  name: Name,
  config: string,
  { folder, lastsMs }: { readonly folder: string; readonly lastsMs: number },
): Promise<Recording> {
  const file = join(folder, `${name}.trace`);
  const port = await freePort();
  const [command, args] = traced(file, process.execPath, [binPath(name), '--config', config, '--port', String(port)]);
  const server = await startServer({ command, args, port, cwd: folder });
  const acknowledged: Acknowledged[] = [];
  const until = Date.now() + lastsMs;
  await Promise.all(Array.from({ length: clients }, (_, client) => load(name, server, client, until, acknowledged)));
  await killTraced(server);
  const text = readFileSync(file, 'latin1');
  const calls = parseTrace(text);
  const answers = answersOf(calls);
  return {
    calls,
    lines: text.split('\n').length,
    acknowledged: acknowledged.map((request) => {
      const line = answers.get(request.port)?.[request.index];
      if (line === undefined) throw new Error(`the answer of ${JSON.stringify(request)} was not seen`);
      return { ...request, line };
    }),
  };
}

/** Lines at which something happens to the engine's state in the database's folder, and not to its log alone. */
export function momentsOf({ calls, lines }: Recording): number[] {
  const moments = new Set<number>();
  for (const { name, args, start, end } of calls) {
    if (name === 'close' || !/\/(?:manifest|compactions|compacted|synced)[/>"]/.test(args)) continue;
    if (/\d{20}\.sst/.test(args)) continue;
    for (const line of [start, end, end + 1]) if (line < lines) moments.add(line);
  }
  return [...moments].sort((a, b) => a - b);
}

/** A machine that lost its power starts anew, and says so: removes what the server knows the last start by. */
export function startMachineAnew(databaseFolder: string): void {
  const synced = join(databaseFolder, 'synced');
  for (const name of readdirSync(synced)) if (name.startsWith('boot-')) rmSync(join(synced, name));
}

/** Lines at which the server began to send an answer of success, by the client's port. */
function answersOf(calls: readonly Syscall[]): Map<number, number[]> {
  const answers = new Map<number, number[]>();
  for (const { name, args, start } of [...calls].sort((a, b) => a.start - b.start)) {
    if (name !== 'write' && name !== 'writev') continue;
    const port = /^\d+<TCP(?:v6)?:\[.*->(?:\[[^\]]*\]|[\d.]+):(\d+)\]>/.exec(args)?.[1];
    if (port === undefined) continue;
    const count =
      Buffer.concat(stringsOf(args))
        .toString('latin1')
        .match(/HTTP\/1\.1 20[04] /g)?.length ?? 0;
    const lines = answers.get(Number(port)) ?? [];
    answers.set(Number(port), lines);
    for (let i = 0; i < count; i++) lines.push(start);
  }
  return answers;
}

async function load(
  name: Name,
  { url }: ServerProcess,
  client: number,
  until: number,
  acknowledged: Acknowledged[],
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sent = new Map<number, number>();
  for (let number = 0; Date.now() < until || number < leastOfClient; number++) {
    const [path, type, body] = name === 'opendata-log' ? append(client, number) : write(client, number);
    const answer = await new Promise<{ status: number; port: number }>((resolve, reject) => {
      const out = request(`${url}${path}`, {
        method: 'POST',
        agent,
        headers: { ...type, 'content-length': body.length },
      });
      out.once('error', reject);
      out.once('response', (response) => {
        const { localPort } = out.socket!;
        response.resume().once('end', () => resolve({ status: response.statusCode!, port: localPort! }));
      });
      out.end(body);
    });
    const index = sent.get(answer.port) ?? 0;
    sent.set(answer.port, index + 1);
    expect([200, 204]).toContain(answer.status);
    acknowledged.push({ client, number, port: answer.port, index });
    await sleep(5 * client);
  }
  agent.destroy();
}

type Post = [path: string, headers: Record<string, string>, body: Buffer];

function append(client: number, number: number): Post {
  const value = `${number}:${isLarge(number) ? filler : ''}`;
  const record = { key: Buffer.from(`c${client}`).toString('base64'), value: Buffer.from(value).toString('base64') };
  const body = JSON.stringify({ records: [record], awaitDurable: true });
  return ['/api/v1/log/append', { 'content-type': 'application/json' }, Buffer.from(body)];
}

function write(client: number, number: number): Post {
  const timestampMs = startMs + number * stepMs;
  const labels = ['__name__', 'power', 'client', `c${client}`];
  const series = [{ labels, samples: [{ timestampMs, value: number }] }];
  for (let i = 0; isLarge(number) && i < seriesOfLarge; i++) {
    const more = ['__name__', 'large', 'client', `c${client}`, 'i', `${i}`, 'number', `${number}-${'y'.repeat(40)}`];
    series.push({ labels: more, samples: [{ timestampMs, value: number }] });
  }
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
  return ['/api/v1/write', headers, Buffer.from(snappyCompress(encodeWriteRequest({ series })))];
}

/** What was acknowledged up to a line of the trace and is not there, or there twice. */
export async function missing(
  name: Name,
  { url }: Pick<ServerProcess, 'url'>,
  { acknowledged }: Recording,
  cut: number,
): Promise<string[]> {
  const stored = new Map<string, number>();
  for (let client = 0; client < clients; client++) {
    const found = name === 'opendata-log' ? await records(url, client) : await samples(url, client);
    for (const id of found) stored.set(id, (stored.get(id) ?? 0) + 1);
  }
  const wrong = [...stored].filter(([, count]) => count > 1).map(([id]) => `${id} twice`);
  for (const { client, number, line } of acknowledged) {
    const id = `c${client}/${number}`;
    if (line > cut) continue;
    if (!stored.has(id)) wrong.push(id);
    else if (name === 'opendata-timeseries' && isLarge(number) && !stored.has(`${id} large`)) wrong.push(`${id} large`);
  }
  return wrong;
}

async function records(url: string, client: number): Promise<string[]> {
  const found: string[] = [];
  for (let start = 0; ; ) {
    const response = await fetch(`${url}/api/v1/log/scan?key=c${client}&start_seq=${start}&limit=10000`);
    expect(response.status).toBe(200);
    const page = (await response.json()) as { values: { value: string }[]; nextSequence: number };
    if (page.values.length === 0) return found;
    for (const { value } of page.values) {
      const [number, rest] = Buffer.from(value, 'base64').toString().split(':');
      expect(rest).toBe(isLarge(Number(number)) ? filler : '');
      found.push(`c${client}/${number}`);
    }
    start = page.nextSequence;
  }
}

async function samples(url: string, client: number): Promise<string[]> {
  const all = await query(url, `power{client="c${client}"}[7h]`);
  const found = (all[0]?.values ?? []).map(([seconds, value]) => {
    expect(Math.round((seconds * 1000 - startMs) / stepMs)).toBe(Number(value));
    return `c${client}/${value}`;
  });
  const large = await query(url, `count by (number) (count_over_time(large{client="c${client}"}[7h]) == 1)`);
  for (const { metric, value } of large) {
    if (Number(value![1]) === seriesOfLarge) found.push(`c${client}/${metric['number']!.split('-')[0]} large`);
  }
  return found;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: [number, string][];
  readonly value?: [number, string];
}

async function query(url: string, expression: string): Promise<Series[]> {
  const body = new URLSearchParams({ query: expression, time: String(startMs / 1000 + 6 * 3600) });
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body });
  expect(response.status).toBe(200);
  return ((await response.json()) as { data: { result: Series[] } }).data.result;
}

/** Kills the server; strace ends with it. */
async function killTraced(server: ServerProcess): Promise<void> {
  const children = readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8').trim().split(' ');
  for (const pid of children) process.kill(Number(pid), 'SIGKILL');
  await server.exited;
}
