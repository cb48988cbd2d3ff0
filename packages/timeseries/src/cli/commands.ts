import type { Commands } from '@opendata/server/cli';
import { checkConfigCommand } from './check-config.ts';
import { importCommand } from './import.ts';
import { queryCommands } from './query-commands.ts';

/** The subcommands beside `serve`, in the order of `--help`. Each loads what it needs when it runs. */
export const commands: Commands = {
  'check-config': checkConfigCommand,
  import: importCommand,
  ...queryCommands,
};
