import { pino } from 'pino';
import { type LogLevel, levelFor, parseLogLevels } from './log-levels.ts';
import { createReadableStream } from './log-readable.ts';

/** Writes one event: its fields, then its message. */
export type LogMethod = (fields: object, message: string) => void;

/** Structured, levelled log; pino's shape. */
export interface Logger {
  readonly level: string;
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  /** A logger that adds these fields to each event; `component` may have a level of its own (`storage=debug`). */
  child(fields: object): Logger;
}

export interface LoggerOptions {
  /** The `service` field of each event, as `opendata-timeseries`. */
  readonly service: string;
  /** Overrides what the environment says. */
  readonly level?: LogLevel;
  /** Read for `LOG_LEVEL`, `RUST_LOG`, `LOG_FORMAT` and `NO_COLOR`; the process' own by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where lines go: standard output by default. */
  readonly destination?: LogDestination;
}

export interface LogDestination {
  write(line: string): void;
}

/**
 * One JSON event a line: `level`, `time`, `service`, fields, `msg`. A person at a terminal gets readable lines instead,
 * unless `LOG_FORMAT=json`. Levels come from `LOG_LEVEL`, else `RUST_LOG`, else `info`.
 */
export function createLogger(options: LoggerOptions): Logger {
  const env = options.env ?? process.env;
  const levels = parseLogLevels(env['LOG_LEVEL'] || env['RUST_LOG'] || '');
  const { service } = options;
  const logger = pino(
    {
      level: options.level ?? levelFor(levels, service),
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
      onChild: (child) => {
        const component: unknown = child.bindings()['component'];
        if (options.level === undefined && typeof component === 'string') {
          child.level = levelFor(levels, service, component);
        }
      },
    },
    options.destination ?? standardOutput(env),
  );
  for (const problem of levels.problems) logger.warn({}, problem);
  return logger as unknown as Logger;
}

function standardOutput(env: Readonly<Record<string, string | undefined>>): LogDestination {
  const format = env['LOG_FORMAT'] || (process.stdout.isTTY ? 'readable' : 'json');
  if (format === 'readable') return createReadableStream(process.stdout, !env['NO_COLOR'] && process.stdout.isTTY);
  return pino.destination({ dest: 1, sync: true });
}
