import type { MaybeHistogram } from '../block/codec/index.ts';
import { inOrderOfTime, joinStarts, mergeSamples, type SeriesSamples } from '../block/merge-samples.ts';
import type { SharedTimestamps } from '../head/shared-timestamps.ts';

interface Joined {
  readonly parts: readonly Float64Array[];
  readonly timestamps: Float64Array;
}

/** Joins the parts of series; where the parts have the same timestamps by identity, so has the whole. */
export class ColumnJoiner {
  readonly #shared: SharedTimestamps;
  readonly #byFirst = new Map<Float64Array, Joined[]>();

  constructor(shared: SharedTimestamps) {
    this.#shared = shared;
  }

  /** Of samples with the same time that of the last part stays. */
  join(parts: readonly SeriesSamples[]): SeriesSamples {
    if (parts.length === 1) return parts[0]!;
    const ordered = inOrderOfTime(parts);
    if (ordered === undefined) {
      const merged = mergeSamples(parts);
      const { timestamps } = merged;
      return { ...merged, timestamps: this.#shared.share(timestamps, timestamps.length) };
    }
    const timestamps = this.#timestamps(ordered.map((part) => part.timestamps));
    const values = new Float64Array(timestamps.length);
    let at = 0;
    for (const part of ordered) {
      values.set(part.values, at);
      at += part.values.length;
    }
    const startTimestamps = joinStarts(ordered, timestamps.length);
    const histograms = joinHistograms(ordered);
    return { timestamps, values, histograms, startTimestamps, ascendingCount: ascendingCount(ordered) };
  }

  #timestamps(parts: readonly Float64Array[]): Float64Array {
    const first = parts[0]!;
    let known = this.#byFirst.get(first);
    if (known === undefined) this.#byFirst.set(first, (known = []));
    for (const joined of known) {
      if (joined.parts.length === parts.length && joined.parts.every((part, i) => part === parts[i])) {
        return joined.timestamps;
      }
    }
    const count = parts.reduce((sum, part) => sum + part.length, 0);
    const all = new Float64Array(count);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    const timestamps = this.#shared.share(all, count);
    known.push({ parts, timestamps });
    return timestamps;
  }
}

/** How far the values ascend over the parts, as far as each part tells. */
function ascendingCount(parts: readonly SeriesSamples[]): number {
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (const part of parts) {
    const own = part.ascendingCount ?? 0;
    if (own === 0 || part.values[0]! < last) break;
    count += own;
    if (own < part.values.length) break;
    last = part.values[own - 1]!;
  }
  return count;
}

function joinHistograms(parts: readonly SeriesSamples[]): MaybeHistogram[] | undefined {
  if (parts.every(({ histograms }) => histograms === undefined)) return undefined;
  return parts.flatMap(
    ({ histograms, timestamps }) => histograms ?? new Array<MaybeHistogram>(timestamps.length).fill(undefined),
  );
}
