import { type ConfigProblem, type LoadedConfig, printByteSize, printDuration } from '@opendata/server';
import { logDefaults } from './db.ts';
import { ageLimitsProblem } from './retention-limits.ts';

/** What several keys of the configuration say together. */
export interface ConfiguredLimits {
  readonly segmentation: { readonly seal_byte_limit: number; readonly seal_interval?: number | undefined };
  readonly retention: { readonly retention?: number | undefined; readonly retention_bytes?: number | undefined };
  readonly head_memory_limit: number;
}

/** A key and what is wrong with it beside the others. */
export interface LimitProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** Every limit that does not go with another. `defaultTtlMs`: of the settings file, if it has one and can be read. */
export function limitProblems(limits: ConfiguredLimits, defaultTtlMs: number | undefined): LimitProblem[] {
  const { seal_byte_limit: sealBytes, seal_interval: sealMs } = limits.segmentation;
  const { retention: retentionMs, retention_bytes: retentionBytes } = limits.retention;
  const { head_memory_limit: headBytes } = limits;
  const sealInterval = ['segmentation', 'seal_interval'];
  const problems: LimitProblem[] = [];
  if (headBytes < 2 * sealBytes) {
    const isHeadDefault = headBytes === logDefaults.headBudgetBytes;
    problems.push({
      path: isHeadDefault ? ['segmentation', 'seal_byte_limit'] : ['head_memory_limit'],
      message:
        `expected head_memory_limit (${printByteSize(headBytes)}) to be at least twice segmentation.seal_byte_limit (${printByteSize(sealBytes)}): ` +
        `set head_memory_limit to ${printByteSize(2 * sealBytes)} or more, or segmentation.seal_byte_limit to ${printByteSize(Math.floor(headBytes / 2))} or less`,
    });
  }
  if (retentionBytes !== undefined && retentionBytes < sealBytes) {
    const path = ['retention', 'retention_bytes'];
    problems.push({ path, message: 'expected at least segmentation.seal_byte_limit' });
  }
  const ageProblem = ageLimitsProblem({ retentionMs, sealIntervalMs: sealMs });
  if (ageProblem === 'no seal interval') {
    const message = 'needs segmentation.seal_interval: records expire by whole segments';
    problems.push({ path: ['retention', 'retention'], message });
  }
  if (ageProblem === 'seal interval too long') {
    const most = printDuration(retentionMs!);
    problems.push({
      path: sealInterval,
      message: `expected at most retention.retention, ${most}: records expire by whole segments`,
    });
  }
  if (retentionMs === undefined && defaultTtlMs !== undefined && (sealMs ?? 0) > defaultTtlMs) {
    const message = 'expected at most the default_ttl of the settings file, which is the retention';
    problems.push({ path: sealInterval, message });
  }
  return problems;
}

/** The problems with their places in the file. */
export function problemsAt<T>(loaded: LoadedConfig<T>, problems: readonly LimitProblem[]): ConfigProblem[] {
  return problems.flatMap(({ path, message }) => loaded.errorAt(path, message).problems);
}
