export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'fatal',
  off: 'silent',
  silent: 'silent',
};

export interface LogLevels {
  readonly default: LogLevel;
  /** Levels of parts, by their normalised name. */
  readonly targets: ReadonlyMap<string, LogLevel>;
  /** What could not be understood, in words for the log. */
  readonly problems: readonly string[];
}

/**
 * Reads a level (`debug`) or a list of directives (`info,storage=debug`). A target names a service or one of its
 * components; module paths of the Rust servers (`opendata_timeseries::scrape=debug`) count by their parts. Targets that
 * name something else have no effect, so that a chart written for the Rust servers keeps working.
 */
export function parseLogLevels(text: string): LogLevels {
  let fallback: LogLevel = 'info';
  const targets = new Map<string, LogLevel>();
  const problems: string[] = [];
  for (const directive of text.split(',').map((part) => part.trim())) {
    if (directive === '') continue;
    const [target, levelText = 'trace'] = directive.includes('=') ? directive.split('=', 2) : [undefined, directive];
    const level = LEVELS[levelText.trim().toLowerCase()];
    if (level === undefined) {
      problems.push(
        `log level ${JSON.stringify(directive)} is not understood: expected trace, debug, info, warn, error or off`,
      );
    } else if (target === undefined) {
      fallback = level;
    } else {
      targets.set(normalise(target), level);
    }
  }
  return { default: fallback, targets, problems };
}

/** The level of a service, or of one of its components: the most specific directive that names it. */
export function levelFor(levels: LogLevels, service: string, component?: string): LogLevel {
  const serviceNames = [normalise(service), normalise(service).replace(/^opendata_/, ''), 'opendata'];
  if (component !== undefined) {
    const part = normalise(component);
    for (const name of [...serviceNames.map((prefix) => `${prefix}::${part}`), part]) {
      const level = levels.targets.get(name);
      if (level !== undefined) return level;
    }
  }
  for (const name of serviceNames) {
    const level = levels.targets.get(name);
    if (level !== undefined) return level;
  }
  return levels.default;
}

function normalise(name: string): string {
  return name.trim().toLowerCase().replaceAll('-', '_');
}
