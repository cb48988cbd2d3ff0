/** One thing wrong with a configuration, and where. */
export interface ConfigProblem {
  readonly file: string;
  /** 1-based; absent where the file as a whole is meant. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** `scrape_configs[0].job_name`; empty for the document itself. */
  readonly path: string;
  /** What was expected and what was found. */
  readonly message: string;
}

const BRAND = Symbol.for('opendata.ConfigError');

/** A configuration that cannot be used; the message has one problem a line, in the order of the file. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  readonly [BRAND] = true;

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(printProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export function isConfigError(error: unknown): error is ConfigError {
  return error instanceof Error && BRAND in error;
}

/** What `read` gives. @throws ConfigError with what it finds wrong and, after it, what `others` does */
export function withProblems<T>(read: () => T, others: () => readonly ConfigProblem[]): T {
  const problems: ConfigProblem[] = [];
  let result: T | undefined;
  try {
    result = read();
  } catch (error) {
    if (!isConfigError(error)) throw error;
    problems.push(...error.problems);
  }
  problems.push(...others());
  if (problems.length > 0) throw new ConfigError(problems);
  return result!;
}

/** `file:line:col: path.to.key: message` */
export function printProblem({ file, line, column, path, message }: ConfigProblem): string {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** `['a', 0, 'b']` as `a[0].b`. */
export function printPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? String(step) : `.${String(step)}`;
  }
  return text;
}
