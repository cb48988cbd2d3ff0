import type { Expr, PositionRange } from '../ast.ts';
import { quote } from '../go-strings.ts';
import { formatGeneral, formatTwoDigits } from './format.ts';

/** Warnings and infos of a query, each text once: with the position where it was noted last. */
export interface Annotations {
  warn(message: string, position: string): void;
  info(message: string, position: string): void;
  /** An info about bucket counts that had to be repaired; those with the same message become one. */
  repaired(message: string, position: string, repair: Repair): void;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** How often and by how much bucket counts had to be repaired. */
export interface Repair {
  /** Upper bounds of the lowest and the highest bucket. */
  readonly lowest: number;
  readonly highest: number;
  /** The largest difference between two counts. */
  readonly largest: number;
  readonly samples: bigint;
  readonly firstMs: number;
  readonly lastMs: number;
}

export function createAnnotations(): Annotations {
  const warnings = new Map<string, string>();
  const infos = new Map<string, string>();
  const repairs = new Map<string, { readonly position: string; readonly repair: Repair }>();
  const withPositions = (notes: ReadonlyMap<string, string>) =>
    [...notes].map(([message, position]) => (position === '' ? message : `${message} (${position})`));
  return {
    warn(message, position) {
      warnings.set(`PromQL warning: ${message}`, position);
    },
    info(message, position) {
      infos.set(`PromQL info: ${message}`, position);
    },
    repaired(message, position, repair) {
      const before = repairs.get(message);
      if (before === undefined) repairs.set(message, { position, repair });
      else repairs.set(message, { position: before.position, repair: together(before.repair, repair) });
    },
    get warnings() {
      return withPositions(warnings);
    },
    get infos() {
      const texts = [...repairs].map(([message, { position, repair }]): [string, string] => [
        `PromQL info: ${message}${describeRepair(repair)}`,
        position,
      ]);
      return withPositions(new Map([...infos, ...texts]));
    },
  };
}

function together(a: Repair, b: Repair): Repair {
  return {
    lowest: Math.min(a.lowest, b.lowest),
    highest: Math.max(a.highest, b.highest),
    largest: Math.max(a.largest, b.largest),
    samples: BigInt.asIntN(64, a.samples + b.samples),
    firstMs: Math.min(a.firstMs, b.firstMs),
    lastMs: Math.max(a.lastMs, b.lastMs),
  };
}

function describeRepair({ lowest, highest, largest, samples, firstMs, lastMs }: Repair): string {
  const buckets = `from buckets ${formatGeneral(lowest)} to ${formatGeneral(highest)}`;
  const extent = `with a max diff of ${formatTwoDigits(largest)}`;
  return `, ${buckets}, ${extent}, over ${samples} samples from ${formatSecond(firstMs)} to ${formatSecond(lastMs)}`;
}

/** `2023-11-14T22:13:20Z` */
function formatSecond(timeMs: number): string {
  return new Date(Math.floor(timeMs / 1000) * 1000).toISOString().replace('.000', '');
}

/** Where notes on an operand point: inside its parentheses. */
export function placeOf(expr: Expr): PositionRange {
  return expr.kind === 'paren' ? placeOf(expr.expr) : expr.position;
}

/** ` for metric name "…"`, or nothing where the series has no name. */
export function forMetric(name: string): string {
  return name === '' ? '' : ` for metric name ${quote(name)}`;
}

// These tell of a name where the series has none too.

export function mixedBuckets(name: string): string {
  return `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${quote(name)}`;
}

export function mixedFloatsAndHistograms(name: string): string {
  return `encountered a mix of histograms and floats for metric name ${quote(name)}`;
}

export function ignoredHistograms(name: string): string {
  return `ignored histograms in a range containing both floats and histograms for metric name ${quote(name)}`;
}
