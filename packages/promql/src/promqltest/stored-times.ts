import { formatLabels } from '../engine/series.ts';
import { histogramsEqual } from '../histogram/arithmetic.ts';
import { labelsKey } from '../labels.ts';
import { toCustomBuckets, whyNotConverted } from './custom-buckets.ts';
import type { Command, Point } from './script.ts';

type Load = Extract<Command, { kind: 'load' }>;

/** The newest sample of a series. */
interface Newest {
  readonly timeMs: number;
  readonly point: NonNullable<Point>;
}

/** What has been loaded, as far as it decides what can still be. */
export interface StoredTimes {
  /** Why a database would not take what is loaded; what it takes is remembered. */
  refuse(load: Load): string | undefined;
  clear(): void;
}

/** How far behind the newest sample of all others may be: half a block of a day. */
const REACH_MS = 12 * 3_600_000;

/**
 * As in a database a load adds samples to series that come after those there are, or repeats the newest one. Of series
 * that are described twice the last description counts.
 */
export function createStoredTimes(): StoredTimes {
  const newest = new Map<string, Newest>();
  let newestMs = Number.NEGATIVE_INFINITY;
  return {
    refuse({ series, stepMs, withCustomBuckets }) {
      const converted = withCustomBuckets ? whyNotConverted(series, stepMs) : undefined;
      if (converted !== undefined) return converted;
      const added = new Map<string, Newest>();
      const earliestMs = newestMs - REACH_MS;
      const samples = (key: string, name: string, points: Iterable<Newest>): string | undefined => {
        const last = newest.get(key);
        let own: Newest | undefined;
        for (const sample of points) {
          if (name === '{}') return 'a series without labels';
          if (sample.timeMs < earliestMs) return `${name}: out of bounds`;
          if (last !== undefined && sample.timeMs < last.timeMs) return `${name}: out of order sample`;
          if (last !== undefined && sample.timeMs === last.timeMs && !samePoint(sample.point, last.point))
            return `${name}: duplicate sample for timestamp`;
          own = sample;
        }
        if (own !== undefined) added.set(key, own);
        return undefined;
      };
      for (const { labels, points } of new Map(series.map((one) => [labelsKey(one.labels), one])).values()) {
        const timed = points.flatMap((point, i) => (point === undefined ? [] : [{ timeMs: i * stepMs, point }]));
        const reason = samples(labelsKey(labels), formatLabels(labels), timed);
        if (reason !== undefined) return reason;
      }
      for (const { labels, samples: own } of withCustomBuckets ? toCustomBuckets(series, stepMs) : []) {
        const timed = [...own.values()].map(
          ({ timestampMs, histogram }): Newest => ({
            timeMs: timestampMs,
            point: { kind: 'histogram', histogram: histogram!, hintGiven: false },
          }),
        );
        timed.sort((a, b) => a.timeMs - b.timeMs);
        const reason = samples(labelsKey(labels), formatLabels(labels), timed);
        if (reason !== undefined) return reason;
      }
      for (const [key, sample] of added) {
        newest.set(key, sample);
        newestMs = Math.max(newestMs, sample.timeMs);
      }
      return undefined;
    },
    clear() {
      newest.clear();
      newestMs = Number.NEGATIVE_INFINITY;
    },
  };
}

function samePoint(a: NonNullable<Point>, b: NonNullable<Point>): boolean {
  if (a.kind === 'histogram') return b.kind === 'histogram' && histogramsEqual(a.histogram, b.histogram);
  return b.kind === 'float' && a.stale === b.stale && Object.is(a.value, b.value);
}
