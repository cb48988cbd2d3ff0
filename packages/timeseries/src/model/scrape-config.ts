import { byteSize, durationMs } from '@opendata/server';
import { type ProtobufOptions, SCRAPE_PROTOCOLS, type ScrapeProtocol } from '@opendata/wire';
import { z } from 'zod';
import { type RelabelRule, relabelConfigSchema, resolveRelabelRule } from '../relabel/relabel-config.ts';
import { type DiscoveryConfig, discoveryKeys, resolveDiscoveries } from './discovery-config.ts';
import { type HttpClientSettings, httpClientKeys, resolveHttpClient } from './http-client-config.ts';
import { unsupportedGlobalKeys, unsupportedScrapeKeys } from './unsupported.ts';

/** The parts of Prometheus' configuration file that say what to scrape; keys and defaults are Prometheus'. */

export const DEFAULT_SCRAPE_INTERVAL_MS = 15_000;
const DEFAULT_SCRAPE_TIMEOUT_MS = 10_000;

const count = () => z.int({ error: 'expected a whole number, 0 for no limit' }).min(0);
const flag = () => z.boolean({ error: 'expected true or false' });
/** Any text but none is a label's name. */
const labelMap = () => z.record(z.string().min(1, { error: 'expected a label name' }), z.string());

const limits = {
  /** Scraped bodies may have up to this many bytes; 0: no limit. */
  body_size_limit: byteSize().optional(),
  /** A scrape with more samples fails as a whole. 0: no limit, as for the others. */
  sample_limit: count().optional(),
  /** A job with more targets fails as a whole. */
  target_limit: count().optional(),
  label_limit: count().optional(),
  label_name_length_limit: count().optional(),
  label_value_length_limit: count().optional(),
  /** Of the targets that relabelling drops, so many are shown for each job. */
  keep_dropped_targets: count().optional(),
};

const PROTOCOLS = Object.keys(SCRAPE_PROTOCOLS) as [ScrapeProtocol, ...ScrapeProtocol[]];
const protocol = () => z.enum(PROTOCOLS, { error: `expected one of ${PROTOCOLS.join(', ')}` });

const scrapeFormats = {
  /** What to ask for, the preferred first. */
  scrape_protocols: z.array(protocol()).min(1, { error: 'expected at least one protocol' }).optional(),
  /** Asks for protobuf first and takes the native histograms in it. */
  scrape_native_histograms: flag().optional(),
  always_scrape_classic_histograms: flag().optional(),
};

/** Keys of Prometheus that have one value here. */
const fixedKeys = {
  metric_name_validation_scheme: z
    .literal('utf8', { error: "expected 'utf8': names may be any text, as is Prometheus' default" })
    .optional(),
  metric_name_escaping_scheme: z
    .literal('allow-utf-8', { error: "expected 'allow-utf-8': names are stored as targets expose them" })
    .optional(),
  convert_classic_histograms_to_nhcb: z
    .literal(false, { error: 'not supported yet: remove the key or set it to false' })
    .optional(),
  extra_scrape_metrics: z.literal(false, { error: 'not supported yet: remove the key or set it to false' }).optional(),
};

const globalSchema = z.strictObject({
  scrape_interval: durationMs({ minMs: 1 }).optional(),
  scrape_timeout: durationMs({ minMs: 1 }).optional(),
  /** How often rules are evaluated. */
  evaluation_interval: durationMs({ minMs: 1 }).optional(),
  rule_query_offset: durationMs({ minMs: 0 }).optional(),
  /** Added to what leaves this server, never to what is stored. */
  external_labels: labelMap().optional(),
  ...scrapeFormats,
  ...limits,
  ...fixedKeys,
  ...unsupportedGlobalKeys,
});

const staticConfigSchema = z.strictObject({
  targets: z.array(z.string()).default([]),
  labels: labelMap().default({}),
});

const scrapeConfigSchema = z.strictObject({
  job_name: z.string({ error: 'expected a job name' }).min(1, { error: 'expected a job name, found an empty one' }),
  scrape_interval: durationMs({ minMs: 1 }).optional(),
  scrape_timeout: durationMs({ minMs: 1 }).optional(),
  metrics_path: z.string().regex(/^\//, { error: "expected a path that begins with '/'" }).default('/metrics'),
  scheme: z.enum(['http', 'https'], { error: "expected 'http' or 'https'" }).default('http'),
  params: z.record(z.string(), z.array(z.string())).default({}),
  static_configs: z.array(staticConfigSchema).default([]),
  honor_labels: flag().default(false),
  honor_timestamps: flag().default(true),
  track_timestamps_staleness: flag().default(false),
  enable_compression: flag().default(true),
  relabel_configs: z.array(relabelConfigSchema).default([]),
  metric_relabel_configs: z.array(relabelConfigSchema).default([]),
  ...httpClientKeys,
  ...discoveryKeys,
  fallback_scrape_protocol: protocol().optional(),
  ...scrapeFormats,
  ...limits,
  ...fixedKeys,
  ...unsupportedScrapeKeys,
});

export const globalConfigSchema = globalSchema;
export const scrapeConfigsSchema = z.array(scrapeConfigSchema);

export type GlobalConfig = z.infer<typeof globalSchema>;
export type ScrapeConfigFile = z.infer<typeof scrapeConfigSchema>;

/** A job with every default filled in. */
export interface ScrapeJob extends HttpClientSettings {
  readonly jobName: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: 'http' | 'https';
  readonly params: Readonly<Record<string, readonly string[]>>;
  readonly staticConfigs: readonly {
    readonly targets: readonly string[];
    readonly labels: Readonly<Record<string, string>>;
  }[];
  /** Where further targets are found. */
  readonly discoveries: readonly DiscoveryConfig[];
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
  readonly enableCompression: boolean;
  readonly relabelRules: readonly RelabelRule[];
  readonly metricRelabelRules: readonly RelabelRule[];
  readonly scrapeProtocols: readonly ScrapeProtocol[];
  /** For targets that do not say what they answer. */
  readonly fallbackProtocol: ScrapeProtocol | undefined;
  readonly histograms: ProtobufOptions;
  /** 0 in a limit: none. */
  readonly bodySizeLimitBytes: number;
  readonly sampleLimit: number;
  readonly targetLimit: number;
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  readonly keepDroppedTargets: number;
}

/**
 * Fills in a job's defaults from the global section, as Prometheus does.
 * @param folder where relative paths begin
 */
export function resolveScrapeJob(global: GlobalConfig, job: ScrapeConfigFile, folder = ''): ScrapeJob {
  const globalIntervalMs = global.scrape_interval ?? DEFAULT_SCRAPE_INTERVAL_MS;
  const globalTimeoutMs = global.scrape_timeout ?? Math.min(DEFAULT_SCRAPE_TIMEOUT_MS, globalIntervalMs);
  const intervalMs = job.scrape_interval ?? globalIntervalMs;
  const nativeHistograms = job.scrape_native_histograms ?? global.scrape_native_histograms ?? false;
  return {
    jobName: job.job_name,
    intervalMs,
    timeoutMs: job.scrape_timeout ?? Math.min(globalTimeoutMs, intervalMs),
    metricsPath: job.metrics_path,
    scheme: job.scheme,
    params: job.params,
    staticConfigs: job.static_configs,
    discoveries: resolveDiscoveries(job, folder),
    honorLabels: job.honor_labels,
    honorTimestamps: job.honor_timestamps,
    trackTimestampsStaleness: job.track_timestamps_staleness,
    enableCompression: job.enable_compression,
    relabelRules: job.relabel_configs.map(resolveRelabelRule),
    metricRelabelRules: job.metric_relabel_configs.map(resolveRelabelRule),
    ...resolveHttpClient(job, folder),
    scrapeProtocols:
      job.scrape_protocols ?? global.scrape_protocols ?? (nativeHistograms ? PROTOCOLS : PROTOCOLS.slice(1)),
    fallbackProtocol: job.fallback_scrape_protocol,
    histograms: {
      nativeHistograms,
      classicToo: job.always_scrape_classic_histograms ?? global.always_scrape_classic_histograms ?? false,
    },
    bodySizeLimitBytes: job.body_size_limit ?? global.body_size_limit ?? 0,
    sampleLimit: job.sample_limit ?? global.sample_limit ?? 0,
    targetLimit: job.target_limit ?? global.target_limit ?? 0,
    labelLimit: job.label_limit ?? global.label_limit ?? 0,
    labelNameLengthLimit: job.label_name_length_limit ?? global.label_name_length_limit ?? 0,
    labelValueLengthLimit: job.label_value_length_limit ?? global.label_value_length_limit ?? 0,
    keepDroppedTargets: job.keep_dropped_targets ?? global.keep_dropped_targets ?? 0,
  };
}
