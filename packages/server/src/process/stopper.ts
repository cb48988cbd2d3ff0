import type { Logger } from '../logger.ts';
import { endStopWhileLoading } from './early-stop.ts';
import { EXIT_CODES, type ExitCode, isConfigurationError, isFencedError } from './exit-codes.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { RunningServer } from './run-server.ts';

/** After the database is lost there is nothing to save: only answers in flight are waited for. */
const FATAL_STOP_DEADLINE_MS = 2000;
/** A server that is still starting has acknowledged nothing; so long it may finish, to leave the store tidy. */
const UNFINISHED_START_DEADLINE_MS = 5000;

/** Shells, npm and supervisors may pass one stop on more than once, within milliseconds: only a later one is a second. */
const SAME_SIGNAL_MS = 250;

/** Signals and failures of a process, and the one way in which it ends. */
export interface Stopper {
  /** Fires when a stop begins. */
  readonly stopping: AbortSignal;
  /** The server that a stop has to close, once it is there. */
  attach(starting: Promise<RunningServer>): void;
  /** The start failed: logs why and ends the process. */
  startFailed(error: unknown): void;
  /** The database is lost: not ready at once, then out. */
  fatal(error: unknown): void;
}

/** Takes over the signals and the uncaught errors of this process. */
export function createStopper(lifecycle: Lifecycle, logger: Logger, stopDeadlineMs: number): Stopper {
  const stopping = new AbortController();
  let server: Promise<RunningServer> | undefined;
  let started = false;
  let firstSignalMs: number | undefined;
  let stopStartedMs: number | undefined;
  /** The first failure decides. */
  let exitCode: ExitCode = EXIT_CODES.ok;

  function exit(): never {
    const stopMs = stopStartedMs === undefined ? undefined : Math.round(performance.now() - stopStartedMs);
    logger.info({ exitCode, stopMs }, 'exit');
    process.exit(exitCode);
  }

  function failWith(code: ExitCode): void {
    if (exitCode === EXIT_CODES.ok) exitCode = code;
  }

  async function stop(deadlineMs: number): Promise<void> {
    if (stopping.signal.aborted) return;
    stopping.abort();
    const startMs = performance.now();
    stopStartedMs = startMs;
    if (!started) {
      setTimeout(() => {
        if (started) return;
        logger.info({}, 'the start was given up');
        exit();
      }, UNFINISHED_START_DEADLINE_MS);
    }
    setTimeout(() => {
      logger.error({ deadlineMs }, 'the stop did not finish inside its deadline');
      failWith(EXIT_CODES.failure);
      exit();
    }, deadlineMs);
    const running = await server?.catch((error: unknown) => {
      logger.info({ err: error }, 'the start was given up');
      return undefined;
    });
    try {
      await running?.close(deadlineMs - (performance.now() - startMs));
    } catch (error) {
      logger.error({ err: error }, 'the stop failed');
      failWith(exitCodeOf(error));
    }
    exit();
  }

  function onSignal(signal: NodeJS.Signals, signalNumber: number): void {
    if (firstSignalMs !== undefined) {
      if (performance.now() - firstSignalMs < SAME_SIGNAL_MS) return;
      logger.warn({ signal }, 'second signal: exit at once');
      process.exit(128 + signalNumber);
    }
    firstSignalMs = performance.now();
    // After a failure it is on its way out already.
    if (stopping.signal.aborted) return;
    logger.info({ signal, deadlineMs: stopDeadlineMs }, 'stopping');
    lifecycle.enter('stopping');
    void stop(stopDeadlineMs);
  }

  function crash(error: unknown, message: string): void {
    logger.fatal({ err: error }, message);
    process.exit(EXIT_CODES.failure);
  }

  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  endStopWhileLoading();
  process.on('uncaughtException', (error) => crash(error, 'uncaught exception'));
  process.on('unhandledRejection', (reason) => crash(reason, 'unhandled rejection'));

  return {
    stopping: stopping.signal,
    attach(starting) {
      server = starting;
      starting.then(
        () => {
          started = true;
        },
        () => {},
      );
    },
    startFailed(error) {
      if (stopping.signal.aborted) return;
      logger.fatal({ err: error }, `start failed: ${messageOf(error)}`);
      process.exit(exitCodeOf(error));
    },
    fatal(error) {
      if (lifecycle.phase === 'failed') return;
      lifecycle.enter('failed', messageOf(error));
      logger.fatal(
        { err: error },
        isFencedError(error) ? 'fenced: another writer took the database over' : 'the database is lost',
      );
      failWith(exitCodeOf(error));
      void stop(FATAL_STOP_DEADLINE_MS);
    },
  };
}

function exitCodeOf(error: unknown): ExitCode {
  if (isFencedError(error)) return EXIT_CODES.fenced;
  return isConfigurationError(error) ? EXIT_CODES.configuration : EXIT_CODES.failure;
}

function messageOf(error: unknown): string {
  if (isAddressInUse(error)) return `port ${error.port} is already in use; --port chooses another`;
  return error instanceof Error ? error.message : String(error);
}

function isAddressInUse(error: unknown): error is { readonly port: number } {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;
}
