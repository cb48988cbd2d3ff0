import { EXIT_CODES, exitCodeOf } from '../process/exit-codes.ts';
import type { CliCommand } from './cli.ts';
import type { Command, CommandContext } from './command.ts';
import { createOutput } from './output.ts';

const SIGNAL_NUMBERS = { SIGINT: 2, SIGPIPE: 13, SIGTERM: 15 } as const;

/** Runs a subcommand in this process; resolves to the exit code. A second ctrl-C ends the process at once. */
export async function runCommand(name: string, command: Command, parsed: CliCommand): Promise<number> {
  const stop = new AbortController();
  let signalled: keyof typeof SIGNAL_NUMBERS | undefined;
  const onSignal = (signal: keyof typeof SIGNAL_NUMBERS) => {
    if (signalled !== undefined) process.exit(128 + SIGNAL_NUMBERS[signal]);
    signalled = signal;
    stop.abort();
  };
  process.on('SIGINT', () => onSignal('SIGINT'));
  process.on('SIGTERM', () => onSignal('SIGTERM'));
  const output = createOutput(process.stdout, process.stderr, () => {
    if (signalled === undefined) onSignal('SIGPIPE');
  });
  const { values, positionals } = parsed;
  const context = { flags: values, positionals, env: process.env, signal: stop.signal, output } as CommandContext;
  let code: number;
  try {
    code = (await command.run(context)) ?? EXIT_CODES.ok;
    output.progress.done();
  } catch (error) {
    if (signalled === undefined) output.note(errorText(name, error, values['json'] === true));
    code = exitCodeOf(error);
  }
  return signalled === undefined ? code : 128 + SIGNAL_NUMBERS[signalled];
}

/** `opendata-log: overloaded: the budget is used up`, or a line of JSON. */
function errorText(name: string, error: unknown, json: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const { code, status } = Object(error) as { code?: unknown; status?: unknown };
  if (json)
    return JSON.stringify({ error: { code: code ?? 'failed', message, ...(status !== undefined && { status }) } });
  return `${name}: ${typeof code === 'string' ? `${code}: ` : ''}${message}`;
}
