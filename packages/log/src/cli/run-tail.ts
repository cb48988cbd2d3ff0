import { CliError, type CommandOutput, parseDuration } from '@opendata/server/cli';
import type { ReadOptions } from '../client/log-client.ts';
import { connect, selectionFrom, timeFrom } from './connection.ts';
import { createRecordPrinter } from './record-output.ts';

interface TailContext {
  readonly flags: {
    readonly url: string;
    readonly 'retry-timeout': number;
    readonly output: string;
    readonly json: boolean;
    readonly 'key-b64': readonly string[];
    readonly prefix: readonly string[];
    readonly 'prefix-b64': readonly string[];
    readonly all: boolean;
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
  const keys = selectionFrom(positionals, flags);
  const printer = createRecordPrinter(output, flags);
  await using log = connect(flags);
  const options = { ...beginning(flags), onlyDurable: flags.durable, signal };
  const onRetry = ({ message }: Error) => output.note(`${message}: trying again`);
  const records = flags.follow ? log.tail(keys, { ...options, onRetry }) : log.read(keys, options);
  for await (const record of records) {
    const full = printer.print(record);
    if (full !== undefined) await full;
  }
  await printer.end();
}

function beginning({ start, since, lines }: TailContext['flags']): Pick<ReadOptions, 'start' | 'startTimeMs' | 'last'> {
  if (start !== undefined && since !== undefined)
    throw new CliError('give --start or --since: both say where to begin');
  if (start !== undefined) return { start };
  if (since !== undefined) return { startTimeMs: timeFrom(since, '--since', parseDuration) };
  return { last: lines };
}
