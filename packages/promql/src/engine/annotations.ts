import { quote } from '../go-strings.ts';

/** Warnings and infos of a query, each text once, in order of appearance. */
export interface Annotations {
  warn(message: string, position: string): void;
  info(message: string, position: string): void;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

export function createAnnotations(): Annotations {
  const warnings = new Set<string>();
  const infos = new Set<string>();
  const withPosition = (message: string, position: string) => (position === '' ? message : `${message} (${position})`);
  return {
    warn(message, position) {
      warnings.add(withPosition(`PromQL warning: ${message}`, position));
    },
    info(message, position) {
      infos.add(withPosition(`PromQL info: ${message}`, position));
    },
    get warnings() {
      return [...warnings];
    },
    get infos() {
      return [...infos];
    },
  };
}

/** ` for metric name "…"`, or nothing where the series has no name. */
export function forMetric(name: string): string {
  return name === '' ? '' : ` for metric name ${quote(name)}`;
}

export function mixedBuckets(name: string): string {
  return `vector contains a mix of histograms with exponential and custom buckets schemas${forMetric(name)}`;
}

export function mixedFloatsAndHistograms(name: string): string {
  return `encountered a mix of histograms and floats${forMetric(name)}`;
}
