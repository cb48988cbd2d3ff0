import { CliError, type CommandOutput } from '@opendata/server/cli';
import type { Ticket } from '../client/producer.ts';
import type { ClientHeader, ClientRecord } from '../client/records.ts';
import { type InputOptions, recordsOf } from './append-input.ts';
import { connect, keysFrom } from './connection.ts';

interface AppendContext {
  readonly flags: {
    readonly url: string;
    readonly 'retry-timeout': number;
    readonly json: boolean;
    readonly 'key-b64': readonly string[];
    readonly file: readonly string[];
    readonly whole: boolean;
    readonly input: string;
    readonly 'key-separator': string | undefined;
    readonly header: readonly string[];
    readonly timestamp: string | undefined;
    readonly durable: boolean;
    readonly 'allow-duplicates': boolean;
  };
  readonly positionals: readonly string[];
  readonly signal: AbortSignal;
  readonly output: CommandOutput;
}

/** What was acknowledged. */
interface Tally {
  records: number;
  bytes: number;
  firstSequence: number | undefined;
  lastSequence: number | undefined;
}

export async function runAppend({ flags, positionals, signal, output }: AppendContext): Promise<void> {
  const input = inputOf(flags, positionals);
  await using log = connect(flags);
  const producer = log.producer({
    awaitDurable: flags.durable,
    allowDuplicates: flags['allow-duplicates'],
    retryTimeoutMs: flags['retry-timeout'],
    // The records have the order of the input, whatever their keys.
    maxInFlight: 1,
  });
  const tally: Tally = { records: 0, bytes: 0, firstSequence: undefined, lastSequence: undefined };
  let failure: unknown;
  try {
    for await (const record of recordsOf(input, signal)) {
      if (signal.aborted) break;
      count(tally, record, await producer.append(record));
      if (output.progress.isShown) output.progress.update(`${tally.records} records appended`);
    }
  } catch (error) {
    failure = error;
  }
  try {
    await producer.close();
  } catch (error) {
    failure ??= error;
  }
  output.progress.done();
  await summarize(tally, output, flags.json);
  if (failure !== undefined) throw failure;
}

function inputOf(flags: AppendContext['flags'], positionals: readonly string[]): InputOptions {
  const separator = flags['key-separator']?.replaceAll('\\t', '\t').replaceAll('\\0', '\0');
  if (separator !== undefined && (flags.input !== 'lines' || flags.whole)) {
    throw new CliError('--key-separator is for lines');
  }
  const isKeyGiven = flags['key-b64'].length > 0;
  const hasOwnKeys = separator !== undefined || flags.input === 'json';
  const needsKey = !isKeyGiven && !(hasOwnKeys && positionals.length === 0);
  const key = isKeyGiven
    ? keysFrom([], flags['key-b64'].slice(-1))[0]
    : needsKey
      ? keysFrom(positionals.slice(0, 1), [])[0]
      : undefined;
  if (separator !== undefined && key !== undefined) throw new CliError('give KEY or --key-separator, not both');
  const values = needsKey ? positionals.slice(1) : positionals;
  if (values.length > 0 && flags.file.length > 0) throw new CliError('give VALUE or --file, not both');
  return {
    key,
    values,
    files: flags.file,
    isWhole: flags.whole,
    format: flags.input as InputOptions['format'],
    separator: separator === undefined ? undefined : Buffer.from(separator),
    headers: flags.header.map(headerFrom),
    timestampMs: flags.timestamp === undefined ? undefined : timestampFrom(flags.timestamp),
  };
}

function headerFrom(text: string): ClientHeader {
  const equals = text.indexOf('=');
  if (equals < 1) throw new CliError(`--header: expected NAME=VALUE, found "${text}"`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}

function timestampFrom(text: string): number | 'now' {
  if (text === 'now') return text;
  const timeMs = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isSafeInteger(timeMs)) return timeMs;
  throw new CliError(`--timestamp: expected RFC 3339, ms since 1970, or now, found "${text}"`);
}

function count(tally: Tally, { key, value }: ClientRecord, { acknowledged }: Ticket): void {
  acknowledged.then(
    (sequence) => {
      tally.records++;
      tally.bytes += key.length + value.length;
      tally.firstSequence = Math.min(tally.firstSequence ?? sequence, sequence);
      tally.lastSequence = Math.max(tally.lastSequence ?? sequence, sequence);
    },
    () => undefined,
  );
}

async function summarize(
  { records, bytes, firstSequence, lastSequence }: Tally,
  output: CommandOutput,
  json: boolean,
): Promise<void> {
  if (json) return output.json({ records, bytes, firstSequence, lastSequence });
  const place =
    firstSequence === lastSequence ? `sequence ${firstSequence}` : `sequences ${firstSequence} to ${lastSequence}`;
  const text = `${records} record${records === 1 ? '' : 's'} appended`;
  return output.write(records === 0 ? `${text}\n` : `${text}, ${place}\n`);
}
