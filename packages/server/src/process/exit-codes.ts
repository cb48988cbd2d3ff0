/** How a server process ends. */
export const EXIT_CODES = {
  /** Asked to stop, and everything was saved; or help, version or a check that passed. */
  ok: 0,
  /** A failure of ours, or a stop that did not finish inside its deadline. */
  failure: 1,
  /** The command line or the configuration cannot be used. */
  configuration: 2,
  /** Another writer took the database over. */
  fenced: 3,
  /** Of a command: the server cannot be reached, or does not take more now; the same may work later. */
  unavailable: 4,
} as const;

export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** Errors that say by their `code` that the database belongs to another writer now. */
export function isFencedError(error: unknown): boolean {
  return codeOf(error) === 'fenced';
}

/** Errors that say by their name or `code` that the operator has to change something. */
export function isConfigurationError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ['ConfigError', 'ConfigFileError', 'CliError'].includes(error.name) || codeOf(error) === 'config';
}

/** Errors that say by their `code` that the same may work later. */
function isUnavailableError(error: unknown): boolean {
  return ['overloaded', 'timeout', 'unavailable'].includes(String(codeOf(error)));
}

/** How a command that throws this ends. */
export function exitCodeOf(error: unknown): ExitCode {
  if (isConfigurationError(error)) return EXIT_CODES.configuration;
  if (isFencedError(error)) return EXIT_CODES.fenced;
  return isUnavailableError(error) ? EXIT_CODES.unavailable : EXIT_CODES.failure;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
