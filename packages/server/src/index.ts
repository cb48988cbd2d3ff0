export {
  type CliCommand,
  type CliExit,
  type CliSpec,
  type CommandSpec,
  type Positional,
  parseCli,
} from './cli/cli.ts';
export type { Command, CommandContext, Commands } from './cli/command.ts';
export type { Flag, Flags, FlagValues } from './cli/flags.ts';
export { type ByteSizeOptions, byteSize, parseByteSize, printByteSize } from './config/byte-size.ts';
export {
  ConfigError,
  type ConfigProblem,
  isConfigError,
  printPath,
  printProblem,
  withProblems,
} from './config/config-error.ts';
export { type DurationOptions, durationMs } from './config/duration.ts';
export { parseDuration, printDuration } from './config/duration-text.ts';
export type { Environment } from './config/env.ts';
export { maskYaml } from './config/mask-yaml.ts';
export { yamlToJson } from './config/yaml-aside.ts';
export { type LoadedConfig, loadYamlConfig, openYamlConfig, parseYamlConfig } from './config/yaml-config.ts';
export { BodyMemory, countedBytes, defaultBodyMemoryBytes } from './http/body-memory.ts';
export { createHttpServer, type HttpServer, type HttpServerOptions } from './http/http-server.ts';
export {
  type ErrorMapper,
  type ErrorRenderer,
  HttpError,
  type HttpProblem,
  type RenderedProblem,
  renderPlainError,
} from './http/problem.ts';
export type { QuickHead } from './http/quick-head.ts';
export type { QuickExchange, QuickRoute } from './http/quick-routes.ts';
export { type RawRoute, sendBytes } from './http/raw-routes.ts';
export type { Readiness, ReadinessCheck } from './http/readiness.ts';
export { requestController, requestSignal } from './http/request-signal.ts';
export { createLogger, type LogDestination, type Logger, type LoggerOptions, type LogMethod } from './logger.ts';
export { exponentialBuckets } from './metrics/check.ts';
export { Counter, Gauge, Histogram } from './metrics/children.ts';
export type { MetricFamily, MetricSample, MetricType } from './metrics/family.ts';
export { negotiateExposition } from './metrics/negotiate.ts';
export { addProcessMetrics, type BuildInfo } from './metrics/process-metrics.ts';
export {
  type Collector,
  createRegistry,
  type HistogramOptions,
  type MetricOptions,
  type Registry,
  type RegistryOptions,
} from './metrics/registry.ts';
export { EXPOSITION_CONTENT_TYPE, type ExpositionFormat } from './metrics/text.ts';
export { type LabelValues, MetricVector } from './metrics/vector.ts';
export { availableMemoryBytes } from './process/available-memory.ts';
export { collectWithFewThreads } from './process/collector-threads.ts';
export { EXIT_CODES, type ExitCode, isConfigurationError, isFencedError } from './process/exit-codes.ts';
export { loosenHeapGrowth } from './process/heap-growth.ts';
export { reloadAndLog } from './process/reload.ts';
export {
  type RunningServer,
  runServer,
  type ServerContext,
  type ServerDefinition,
  type ServerProgram,
  serve,
} from './process/run-server.ts';
export { didYouMean, suggest } from './suggest.ts';
export { loadWebAccess, type WebAccess } from './web/web-access.ts';
