import type { Commands } from '@opendata/server/cli';
import { appendCommand } from './append.ts';
import { benchAppendCommand } from './bench-append.ts';
import { benchScanCommand } from './bench-scan.ts';
import { countCommand } from './count.ts';
import { inspectCommand } from './inspect.ts';
import { keysCommand } from './keys.ts';
import { scanCommand } from './scan.ts';
import { segmentsCommand } from './segments.ts';
import { tailCommand } from './tail.ts';

/** The subcommands beside `serve`, in the order of `--help`. */
export const commands: Commands = {
  append: appendCommand,
  tail: tailCommand,
  scan: scanCommand,
  keys: keysCommand,
  count: countCommand,
  segments: segmentsCommand,
  inspect: inspectCommand,
  'bench append': benchAppendCommand,
  'bench scan': benchScanCommand,
};
