import { LogError } from './errors.ts';

/** How long records are kept. */
export interface RetentionLimits {
  /** A segment is removed this long after its last record, ms; undefined: never by age. */
  readonly retentionMs: number | undefined;
  /** The oldest segments are removed while all stored ones have more bytes than this; undefined: never by size. */
  readonly retentionBytes: number | undefined;
  /** How often to look, ms. */
  readonly checkIntervalMs: number;
}

export interface AgeLimits {
  readonly retentionMs: number | undefined;
  readonly sealIntervalMs: number | undefined;
}

/** Share of a retention after which segments end if nothing says when. */
const sealShare = 0.1;
const shortestSealMs = 1000;

/**
 * The retention and the seal interval that hold. Without a retention the `default_ttl` of the settings file is taken
 * for one; segments then end after a tenth of it unless a seal interval is given.
 * @throws LogError invalid_input
 */
export function resolveAgeLimits(given: AgeLimits, defaultTtlMs: number | undefined): AgeLimits {
  if (given.retentionMs !== undefined || defaultTtlMs === undefined) {
    checkAgeLimits(given);
    return given;
  }
  const limits = {
    retentionMs: defaultTtlMs,
    sealIntervalMs: given.sealIntervalMs ?? Math.max(shortestSealMs, Math.floor(defaultTtlMs * sealShare)),
  };
  if (given.sealIntervalMs !== undefined) checkAgeLimits(limits);
  return limits;
}

/** What is wrong with the limits. */
export type AgeLimitsProblem = 'no seal interval' | 'seal interval too long';

const problemTexts: Readonly<Record<AgeLimitsProblem, string>> = {
  'no seal interval': 'retention needs a seal interval: records expire by whole segments',
  'seal interval too long': 'the seal interval must not be longer than the retention',
};

/** Records expire by whole segments, so that segments must end by age, and in time. */
export function ageLimitsProblem({ retentionMs, sealIntervalMs }: AgeLimits): AgeLimitsProblem | undefined {
  if (retentionMs === undefined) return undefined;
  if (sealIntervalMs === undefined) return 'no seal interval';
  return sealIntervalMs > retentionMs ? 'seal interval too long' : undefined;
}

function checkAgeLimits(limits: AgeLimits): void {
  const problem = ageLimitsProblem(limits);
  if (problem !== undefined) throw new LogError('invalid_input', problemTexts[problem]);
}
