import type { Environment } from '../config/env.ts';
import type { CommandSpec, Positional } from './cli.ts';
import type { Flags, FlagValues } from './flags.ts';
import type { CommandOutput } from './output.ts';

/** What a command is run with. */
export interface CommandContext<F extends Flags = Flags> {
  readonly flags: FlagValues<F>;
  readonly positionals: readonly string[];
  readonly env: Environment;
  /**
   * Fires at ctrl-C, at SIGTERM, and when nobody reads standard output any more: finish what has begun, then return.
   * The exit code is then that of the signal, whatever is returned.
   */
  readonly signal: AbortSignal;
  readonly output: CommandOutput;
}

/** A subcommand that does its work and ends. */
export interface Command<F extends Flags = Flags> extends CommandSpec {
  readonly flags: F;
  /**
   * Resolves to the exit code, nothing for 0. What it throws is told to the person at the terminal without a stack; the
   * exit code is that of {@link exitCodeOf}.
   */
  run(context: CommandContext<F>): Promise<number | undefined> | Promise<void>;
}

/** Commands of any flags, by name: a name of two words, as `query range`, makes a group. */
export type Commands = Readonly<Record<string, Command>>;

interface CommandDefinition<F extends Flags> {
  /** One line for `--help`. */
  readonly summary: string;
  readonly flags: F;
  readonly positionals?: readonly Positional[];
  readonly run: (context: CommandContext<F>) => Promise<number | undefined> | Promise<void>;
}

/** A command whose `run` sees the types of its flags. Import what it needs inside of `run`, so that `--help` is quick. */
export function defineCommand<const F extends Flags>(definition: CommandDefinition<F>): Command {
  return definition as unknown as Command;
}
