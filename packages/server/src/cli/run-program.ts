import { endStopWhileLoading, stopWhileLoading } from '../process/early-stop.ts';
import { parseCli } from './cli.ts';
import type { Commands } from './command.ts';
import type { Flags, FlagValues } from './flags.ts';
import { runCommand } from './run-command.ts';

/** A program that is a server and its commands. */
export interface ProgramDefinition<F extends Flags> {
  /** `opendata-timeseries` */
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  /** `serve`, which also runs when no command is named. */
  readonly serve: {
    /** The flags of the server; `--check-config` is added. */
    readonly flags: F;
    /** Runs the server, or only checks its configuration, and ends the process. */
    run(flags: FlagValues<F>, checkConfig: boolean): Promise<void>;
  };
  readonly commands: Commands;
}

const CHECK_CONFIG = {
  type: 'boolean',
  help: 'Check the configuration, print what is wrong with it, and exit',
} as const;

/** Reads the command line of this process and does what it says; ends the process, except where `serve` goes on. */
export async function runProgram<const F extends Flags>(definition: ProgramDefinition<F>): Promise<void> {
  const { name, version, summary, commands } = definition;
  stopWhileLoading();
  const serve = { summary: 'Run the server', flags: { ...definition.serve.flags, 'check-config': CHECK_CONFIG } };
  const spec = { name, version, summary, commands: { serve, ...commands }, defaultCommand: 'serve' };
  const parsed = parseCli(spec, process.argv.slice(2), process.env);
  if (parsed.kind === 'exit') {
    (parsed.code === 0 ? process.stdout : process.stderr).write(parsed.text);
    process.exit(parsed.code);
  }
  const isCheck = parsed.values['check-config'] === true;
  if (parsed.command !== 'serve' || isCheck) endStopWhileLoading();
  if (parsed.command !== 'serve') process.exit(await runCommand(name, commands[parsed.command]!, parsed));
  await definition.serve.run(parsed.values as FlagValues<F>, isCheck);
}
