import { parseDuration } from '../config/duration-text.ts';
import type { Environment } from '../config/env.ts';

interface FlagBase {
  /** One line for `--help`. */
  readonly help: string;
  /** One letter: `p` for `-p`. */
  readonly short?: string;
  /** The environment variable that sets the same; a flag on the command line wins. */
  readonly env?: string;
  /** What `--help` calls the value: `FILE`. */
  readonly valueName?: string;
}

export interface StringFlag extends FlagBase {
  readonly type: 'string';
  readonly default?: string;
  /** The only values allowed. */
  readonly choices?: readonly string[];
}

export interface BooleanFlag extends FlagBase {
  readonly type: 'boolean';
  readonly default?: boolean;
}

/** A TCP port, 0 to 65535 (0 lets the system choose), or a whole number of at least `min`. */
export interface NumberFlag extends FlagBase {
  readonly type: 'port' | 'integer';
  readonly default?: number;
  readonly min?: number;
}

/** A Prometheus duration; its value is in milliseconds. */
export interface DurationFlag extends FlagBase {
  readonly type: 'duration';
  /** As it would be typed: `30s`. */
  readonly default?: string;
}

/** May be given several times. */
export interface ListFlag extends FlagBase {
  readonly type: 'list';
}

export type Flag = StringFlag | BooleanFlag | NumberFlag | DurationFlag | ListFlag;
export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends ListFlag
  ? readonly string[]
  : F extends BooleanFlag
    ? boolean
    : F extends { readonly default: string | number }
      ? F extends StringFlag
        ? string
        : number
      : (F extends StringFlag ? string : number) | undefined;

/** The values of flags: what was given, else the environment, else the default. */
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: ValueOf<F[Name]> };

/** A command line that cannot be run; the message is for the person who typed it. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** What was given for each flag, in order. */
export type GivenFlags = ReadonlyMap<string, readonly string[]>;

/** @throws CliError when a value does not fit its flag */
export function readFlags(flags: Flags, given: GivenFlags, env: Environment): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const typed = given.get(name);
    const fromEnv = flag.env === undefined ? undefined : env[flag.env];
    if (typed !== undefined) values[name] = readFlag(flag, typed, `--${name}`);
    else if (fromEnv !== undefined && fromEnv.trim() !== '') values[name] = readFlag(flag, [fromEnv.trim()], flag.env!);
    else values[name] = defaultOf(flag);
  }
  return values;
}

function defaultOf(flag: Flag): unknown {
  if (flag.type === 'list') return [];
  if (flag.type === 'boolean') return flag.default ?? false;
  if (flag.type === 'duration') return flag.default === undefined ? undefined : parseDuration(flag.default);
  return flag.default;
}

/** @param source what the user calls it: `--port` or `OPEN_TSDB_PORT` */
function readFlag(flag: Flag, texts: readonly string[], source: string): unknown {
  const text = texts.at(-1)!;
  const wrong = (expected: string) => new CliError(`${source}: expected ${expected}, found ${JSON.stringify(text)}`);
  switch (flag.type) {
    case 'list':
      return texts;
    case 'string':
      if (text === '') throw wrong('a value');
      if (flag.choices && !flag.choices.includes(text)) throw wrong(`one of ${flag.choices.join(', ')}`);
      return text;
    case 'boolean':
      if (['true', '1', 'yes', 'on'].includes(text.toLowerCase())) return true;
      if (['false', '0', 'no', 'off'].includes(text.toLowerCase())) return false;
      throw wrong('true or false');
    case 'port':
      if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw wrong('a port from 0 to 65535');
      return Number(text);
    case 'integer': {
      const min = flag.min ?? 0;
      if (!/^-?\d+$/.test(text) || Number(text) < min || !Number.isSafeInteger(Number(text))) {
        throw wrong(`a whole number of at least ${min}`);
      }
      return Number(text);
    }
    case 'duration':
      try {
        return parseDuration(text);
      } catch (error) {
        throw new CliError(`${source}: ${(error as Error).message}`);
      }
  }
}
