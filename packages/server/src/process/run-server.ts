import type { Commands } from '../cli/command.ts';
import type { Flags, FlagValues } from '../cli/flags.ts';
import { runProgram } from '../cli/run-program.ts';
import type { Environment } from '../config/env.ts';
import type { Readiness } from '../http/readiness.ts';
import { createLogger, type Logger } from '../logger.ts';
import { addProcessMetrics } from '../metrics/process-metrics.ts';
import { createRegistry, type Registry } from '../metrics/registry.ts';
import { EXIT_CODES, isConfigurationError } from './exit-codes.ts';
import { createLifecycle } from './lifecycle.ts';
import { reloadAndLog } from './reload.ts';
import { createStopper } from './stopper.ts';
import { watchEventLoop } from './watchdog.ts';

/** A pod has 60 s between SIGTERM and SIGKILL. */
const DEFAULT_STOP_DEADLINE_MS = 50_000;
/** What a server is started with. */
export interface ServerContext<F extends Flags, Config> {
  readonly flags: FlagValues<F>;
  readonly config: Config;
  readonly env: Environment;
  readonly logger: Logger;
  readonly registry: Registry;
  /** The first of the checks to give to the HTTP server: not ready while starting, stopping or failed. */
  readiness(): Readiness;
  /** Fires when a stop begins, also before the start is complete. */
  readonly stopping: AbortSignal;
  /** Call when the database is lost for good: not ready at once, logged, exit 3 when fenced, else 1. */
  fatal(error: unknown): void;
}

/** A server that runs. */
export interface RunningServer {
  /** Stops taking requests, finishes those in flight, saves everything; must be done within `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
  /** Reads the configuration again, on SIGHUP. */
  reload?(): Promise<void>;
}

export interface ServerDefinition<F extends Flags, Config> {
  /** `opendata-timeseries`; also the `service` field of the log. */
  readonly name: string;
  readonly version: string;
  /** Reads and checks the configuration. @throws ConfigError */
  loadConfig(flags: FlagValues<F>, env: Environment): Config | Promise<Config>;
  /** What `--check-config` says has been checked, as a file name. */
  describeConfig?(flags: FlagValues<F>): string;
  /** Must acknowledge nothing before it resolves: a stop gives up a start that takes longer than 5 s. */
  start(context: ServerContext<F, Config>): Promise<RunningServer>;
  readonly stopDeadlineMs?: number;
}

/** A server and its command line. */
export interface ServerProgram<F extends Flags, Config> extends ServerDefinition<F, Config> {
  readonly summary: string;
  /** The flags of the server; `--check-config` is added. */
  readonly flags: F;
  readonly commands?: Commands;
}

/** Runs a server process from its command line to its exit. */
export async function runServer<const F extends Flags, Config>(program: ServerProgram<F, Config>): Promise<void> {
  const { name, version, summary, flags, commands = {} } = program;
  const run = (values: FlagValues<F>, checkConfig: boolean) => serve(program, values, checkConfig);
  await runProgram({ name, version, summary, serve: { flags, run }, commands });
}

/**
 * Runs a server whose command line was read, to the exit of the process. Exit codes are those of EXIT_CODES; a second
 * SIGTERM or SIGINT ends the process at once.
 */
export async function serve<F extends Flags, Config>(
  definition: ServerDefinition<F, Config>,
  flags: FlagValues<F>,
  checkConfig: boolean,
): Promise<void> {
  const config = await loadConfigOrExit(definition, flags);
  if (checkConfig) {
    process.stdout.write(`${definition.describeConfig?.(flags) ?? 'configuration'}: OK\n`);
    process.exit(EXIT_CODES.ok);
  }
  await runUntilStopped(definition, flags, config);
}

async function loadConfigOrExit<F extends Flags, Config>(
  definition: ServerDefinition<F, Config>,
  flags: FlagValues<F>,
): Promise<Config> {
  try {
    return await definition.loadConfig(flags, process.env);
  } catch (error) {
    if (!isConfigurationError(error)) throw error;
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(EXIT_CODES.configuration);
  }
}

async function runUntilStopped<F extends Flags, Config>(
  definition: ServerDefinition<F, Config>,
  flags: FlagValues<F>,
  config: Config,
): Promise<void> {
  const { name, version } = definition;
  const logger = createLogger({ service: name });
  const registry = createRegistry({ onCollectError: (message, error) => logger.error({ err: error }, message) });
  addProcessMetrics(registry, { name, version });
  watchEventLoop(registry, logger);
  const lifecycle = createLifecycle();
  const stopper = createStopper(lifecycle, logger, definition.stopDeadlineMs ?? DEFAULT_STOP_DEADLINE_MS);

  logger.info({ version, pid: process.pid, node: process.version }, `${name} is starting`);
  let running: RunningServer | undefined;
  process.on('SIGHUP', () => void reloadOnSignal(running, logger));
  const starting = definition.start({
    flags,
    config,
    env: process.env,
    logger,
    registry,
    readiness: lifecycle.readiness,
    stopping: stopper.stopping,
    fatal: stopper.fatal,
  });
  stopper.attach(starting);
  try {
    running = await starting;
  } catch (error) {
    stopper.startFailed(error);
    return;
  }
  if (lifecycle.phase === 'starting') lifecycle.enter('running');
}

async function reloadOnSignal(running: RunningServer | undefined, logger: Logger): Promise<void> {
  if (running === undefined) {
    logger.warn({}, 'SIGHUP: the server is still starting');
    return;
  }
  const reloadRunning = running.reload?.bind(running);
  if (reloadRunning === undefined) {
    logger.warn({}, 'SIGHUP: this server has nothing to reload');
    return;
  }
  await reloadAndLog(reloadRunning, logger).catch(() => undefined);
}
