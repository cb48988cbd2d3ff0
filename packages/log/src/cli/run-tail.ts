import { type CommandOutput, parseDuration } from '@opendata/server/cli';
import type { ReadOptions, ReadRecord, TailOptions } from '../client/log-client.ts';
import { connect, keysFrom, timeFrom } from './connection.ts';
import { createRecordPrinter } from './record-output.ts';

interface TailContext {
  readonly flags: {
    readonly url: string;
    readonly 'retry-timeout': number;
    readonly output: string;
    readonly json: boolean;
    readonly 'key-b64': readonly string[];
    readonly follow: boolean;
    readonly lines: number;
    readonly start: number | undefined;
    readonly since: string | undefined;
    readonly durable: boolean;
  };
  readonly positionals: readonly string[];
  readonly signal: AbortSignal;
  readonly output: CommandOutput;
}

export async function runTail({ flags, positionals, signal, output }: TailContext): Promise<void> {
  const keys = keysFrom(positionals, flags['key-b64']);
  const begin = beginning(flags);
  const printer = createRecordPrinter(output, flags);
  await using log = connect(flags);
  const print = async (record: ReadRecord) => {
    const full = printer.print(record);
    if (full !== undefined) await full;
  };
  if (flags.follow) {
    const onRetry = ({ message }: Error) => output.note(`${message}: trying again`);
    const failure = new AbortController();
    const all = AbortSignal.any([signal, failure.signal]);
    await Promise.all(
      keys.map(async (key) => {
        try {
          const options: TailOptions = { ...begin, onlyDurable: flags.durable, onRetry, signal: all };
          for await (const record of log.tail(key, options)) await print(record);
        } catch (error) {
          failure.abort();
          throw error;
        }
      }),
    );
  } else {
    const found: ReadRecord[] = [];
    for (const key of keys) for await (const record of log.read(key, { ...begin, signal })) found.push(record);
    if (keys.length > 1) found.sort((a, b) => a.sequence - b.sequence);
    for (const record of found) await print(record);
  }
  await printer.end();
}

function beginning({ start, since, lines }: TailContext['flags']): Pick<ReadOptions, 'start' | 'startTimeMs' | 'last'> {
  if (start !== undefined) return { start };
  if (since !== undefined) return { startTimeMs: timeFrom(since, '--since', parseDuration) };
  return { last: lines };
}
