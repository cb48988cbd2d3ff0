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
  body_size_limit: byteSize().optional().describe('Most bytes of a scraped body; 0: no limit'),
  sample_limit: count().optional().describe('Most samples of a scrape: one with more fails as a whole; 0: no limit'),
  target_limit: count().optional().describe('Most targets of a job: one with more fails as a whole; 0: no limit'),
  label_limit: count().optional().describe('Most labels of a sample; 0: no limit'),
  label_name_length_limit: count().optional().describe('Longest name of a label; 0: no limit'),
  label_value_length_limit: count().optional().describe('Longest value of a label; 0: no limit'),
  keep_dropped_targets: count()
    .optional()
    .describe('Of the targets that relabelling drops, so many are shown for each job; 0: all'),
};

const PROTOCOLS = Object.keys(SCRAPE_PROTOCOLS) as [ScrapeProtocol, ...ScrapeProtocol[]];
const protocol = () => z.enum(PROTOCOLS, { error: `expected one of ${PROTOCOLS.join(', ')}` });

const scrapeFormats = {
  scrape_protocols: z
    .array(protocol())
    .min(1, { error: 'expected at least one protocol' })
    .optional()
    .describe(
      'What to ask targets for, the preferred first. Default: all, protobuf only with `scrape_native_histograms`',
    ),
  scrape_native_histograms: flag()
    .optional()
    .describe('Ask for protobuf first and take the native histograms in it (default `false`)'),
  always_scrape_classic_histograms: flag()
    .optional()
    .describe('Take the classic buckets beside a native histogram, too (default `false`)'),
};

/** Keys of Prometheus that have one value here. */
const fixedKeys = {
  metric_name_validation_scheme: z
    .literal('utf8', { error: "expected 'utf8': names may be any text, as is Prometheus' default" })
    .optional()
    .describe('Accepted with this value: names may be any text'),
  metric_name_escaping_scheme: z
    .literal('allow-utf-8', { error: "expected 'allow-utf-8': names are stored as targets expose them" })
    .optional()
    .describe('Accepted with this value: names are stored as targets expose them'),
  convert_classic_histograms_to_nhcb: z
    .literal(false, { error: 'not supported yet: remove the key or set it to false' })
    .optional()
    .describe('Accepted with this value'),
  extra_scrape_metrics: z
    .literal(false, { error: 'not supported yet: remove the key or set it to false' })
    .optional()
    .describe('Accepted with this value'),
};

const globalSchema = z.strictObject({
  scrape_interval: durationMs({ minMs: 1 })
    .optional()
    .describe('How often targets are scraped unless the job says otherwise (default 15s)'),
  scrape_timeout: durationMs({ minMs: 1 })
    .optional()
    .describe(
      'How long a scrape may take unless the job says otherwise (default 10s, the interval if that is shorter)',
    ),
  evaluation_interval: durationMs({ minMs: 1 })
    .optional()
    .describe('Accepted for files that have it: rules are not evaluated here'),
  rule_query_offset: durationMs({ minMs: 0 }).optional().describe('Accepted for files that have it'),
  external_labels: labelMap()
    .optional()
    .describe('Added to what leaves this server by federation, never to what is stored'),
  ...scrapeFormats,
  ...limits,
  ...fixedKeys,
  ...unsupportedGlobalKeys,
});

const staticConfigSchema = z.strictObject({
  targets: z.array(z.string()).default([]).describe('Addresses, `host:port` or a host alone'),
  labels: labelMap().default({}).describe('Labels of all samples of these targets'),
});

const scrapeConfigSchema = z.strictObject({
  job_name: z
    .string({ error: 'expected a job name' })
    .min(1, { error: 'expected a job name, found an empty one' })
    .describe('Label `job` of its samples; each job has another one'),
  scrape_interval: durationMs({ minMs: 1 })
    .optional()
    .describe('How often its targets are scraped. Default: the global one'),
  scrape_timeout: durationMs({ minMs: 1 })
    .optional()
    .describe('How long a scrape may take, at most the interval. Default: the global one'),
  metrics_path: z
    .string()
    .regex(/^\//, { error: "expected a path that begins with '/'" })
    .default('/metrics')
    .describe('Path of the URL that is scraped'),
  scheme: z
    .enum(['http', 'https'], { error: "expected 'http' or 'https'" })
    .default('http')
    .describe('Of the URL that is scraped'),
  params: z.record(z.string(), z.array(z.string())).default({}).describe('Query parameters of the URL that is scraped'),
  static_configs: z.array(staticConfigSchema).default([]).describe('Targets that are listed here'),
  honor_labels: flag()
    .default(false)
    .describe('Keep labels of the target where they conflict with those of the server'),
  honor_timestamps: flag().default(true).describe('Keep timestamps that the target sends'),
  track_timestamps_staleness: flag()
    .default(false)
    .describe('Write staleness markers for samples with timestamps of the target, too'),
  enable_compression: flag().default(true).describe('Ask for gzip'),
  relabel_configs: z
    .array(relabelConfigSchema)
    .default([])
    .describe('Changes the labels of targets before they are scraped, and drops targets'),
  metric_relabel_configs: z
    .array(relabelConfigSchema)
    .default([])
    .describe('Changes the labels of samples before they are stored, and drops samples'),
  ...httpClientKeys,
  ...discoveryKeys,
  fallback_scrape_protocol: protocol()
    .optional()
    .describe('How to read targets that do not say what they answer. Default: such a scrape fails'),
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
