export { parseDuration, printDuration } from '../config/duration-text.ts';
export { EXIT_CODES } from '../process/exit-codes.ts';
export {
  type CliCommand,
  type CliExit,
  type CliSpec,
  type CommandSpec,
  type Positional,
  parseCli,
} from './cli.ts';
export { type Command, type CommandContext, type Commands, defineCommand } from './command.ts';
export { CliError, type Flag, type Flags, type FlagValues } from './flags.ts';
export type { CommandOutput, Progress } from './output.ts';
export { type ProgramDefinition, runProgram } from './run-program.ts';
export { printable, tableText } from './table.ts';
