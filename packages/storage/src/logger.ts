/** Structured log events; a pino logger fits. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For callers that log nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
