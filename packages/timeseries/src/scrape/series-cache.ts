import { METRIC_NAME } from '@opendata/promql';
import type { SeriesHolder } from '../head/forgetting.ts';
import { encodeLabels } from '../head/label-bytes.ts';
import { createYielder } from '../head/yielder.ts';
import { relabel } from '../relabel/relabel.ts';
import { ScrapeError } from './fetch.ts';
import { seriesLabels, sortedLabels } from './series-labels.ts';
import type { ScrapeTarget } from './target.ts';

/** The part of the database that a scraper needs to name series. */
export interface SeriesNaming {
  seriesId(labels: Uint8Array): number;
  /** The holder's series keep their numbers. @returns what ends it */
  holdSeries(holder: SeriesHolder): () => void;
}

const MAX_IDLE_SCRAPES = 3;
const TEXTS_PER_LOOK = 1024;

/** What stands for a series that relabelling has dropped. */
export const DROPPED_SERIES = -1;

interface CachedSeries {
  readonly series: number;
  scrape: number;
}

/** For one target: the series that each exposed text, such as `up{job="a"}`, stands for. */
export class SeriesCache {
  readonly #target: ScrapeTarget;
  readonly #naming: SeriesNaming;
  readonly #byText = new Map<string, CachedSeries>();
  #scrape = 0;

  constructor(target: ScrapeTarget, naming: SeriesNaming) {
    this.#target = target;
    this.#naming = naming;
  }

  get size(): number {
    return this.#byText.size;
  }

  /** Every series that a text stands for. */
  *series(): Generator<number> {
    for (const { series } of this.#byText.values()) if (series !== DROPPED_SERIES) yield series;
  }

  /** Begins a scrape; texts that were not seen in the last few are forgotten, in turns of the event loop. */
  async begin(): Promise<void> {
    this.#scrape++;
    const yielder = createYielder();
    let visited = 0;
    for (const [text, cached] of this.#byText) {
      if (++visited % TEXTS_PER_LOOK === 0) await yielder();
      if (cached.scrape < this.#scrape - MAX_IDLE_SCRAPES) this.#byText.delete(text);
    }
  }

  /**
   * The series for an exposed text.
   * @param exposed the text's labels, read only where the text is new
   * @returns DROPPED_SERIES where the job's relabelling drops it
   * @throws ScrapeError where a limit on labels is exceeded; InvalidSeriesError
   */
  resolve(text: string, exposed: () => readonly string[]): number {
    const cached = this.#byText.get(text);
    if (cached !== undefined) {
      cached.scrape = this.#scrape;
      return cached.series;
    }
    const { job, labels } = this.#target;
    const merged = this.#relabelled(seriesLabels(exposed(), labels, job.honorLabels));
    if (merged !== undefined) this.#checkLimits(merged);
    const series = merged === undefined ? DROPPED_SERIES : this.#naming.seriesId(encodeLabels(merged));
    this.#byText.set(text, { series, scrape: this.#scrape });
    return series;
  }

  /** Whether the job's relabelling keeps what `resolve` would name; a new text is not remembered. @throws ScrapeError */
  keeps(text: string, exposed: () => readonly string[]): boolean {
    const cached = this.#byText.get(text);
    if (cached !== undefined) return cached.series !== DROPPED_SERIES;
    const { job, labels } = this.#target;
    return this.#relabelled(seriesLabels(exposed(), labels, job.honorLabels)) !== undefined;
  }

  /** The labels after the job's relabelling; `undefined` where it drops the series. */
  #relabelled(labels: readonly string[]): readonly string[] | undefined {
    const { metricRelabelRules } = this.#target.job;
    if (metricRelabelRules.length === 0) return labels;
    const map = new Map<string, string>();
    for (let i = 0; i < labels.length; i += 2) map.set(labels[i]!, labels[i + 1]!);
    if (!relabel(map, metricRelabelRules)) return undefined;
    if (!map.get(METRIC_NAME)) throw new ScrapeError('relabelling has left a series without a metric name');
    return sortedLabels(map);
  }

  #checkLimits(labels: readonly string[]): void {
    const { labelLimit, labelNameLengthLimit, labelValueLengthLimit } = this.#target.job;
    const count = labels.length / 2;
    if (labelLimit > 0 && count > labelLimit) {
      throw new ScrapeError(
        `label_limit exceeded (metric: ${metricName(labels)}, number of labels: ${count}, limit: ${labelLimit})`,
      );
    }
    if (labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return;
    for (let i = 0; i < labels.length; i += 2) {
      const nameLength = Buffer.byteLength(labels[i]!);
      const valueLength = Buffer.byteLength(labels[i + 1]!);
      if (labelNameLengthLimit > 0 && nameLength > labelNameLengthLimit) {
        throw new ScrapeError(
          `label_name_length_limit exceeded (metric: ${metricName(labels)}, label name: ${labels[i]}, length: ${nameLength}, limit: ${labelNameLengthLimit})`,
        );
      }
      if (labelValueLengthLimit > 0 && valueLength > labelValueLengthLimit) {
        throw new ScrapeError(
          `label_value_length_limit exceeded (metric: ${metricName(labels)}, label name: ${labels[i]}, length: ${valueLength}, limit: ${labelValueLengthLimit})`,
        );
      }
    }
  }
}

function metricName(labels: readonly string[]): string {
  const at = labels.indexOf('__name__');
  return at < 0 ? '' : labels[at + 1]!;
}
