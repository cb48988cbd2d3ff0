import { encodeLabels } from '../head/label-bytes.ts';
import { ScrapeError } from './fetch.ts';
import { seriesLabels } from './series-labels.ts';
import type { ScrapeTarget } from './target.ts';

/** The part of the database that a scraper needs to name series. */
export interface SeriesNaming {
  seriesId(labels: Uint8Array): number;
}

const MAX_IDLE_SCRAPES = 3;

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

  /** Begins a scrape; texts that were not seen in the last few are forgotten. */
  begin(): void {
    this.#scrape++;
    for (const [text, cached] of this.#byText) {
      if (cached.scrape < this.#scrape - MAX_IDLE_SCRAPES) this.#byText.delete(text);
    }
  }

  /**
   * The series for an exposed text.
   * @param exposed the text's labels, read only where the text is new
   * @throws ScrapeError where a limit on labels is exceeded; InvalidSeriesError
   */
  resolve(text: string, exposed: () => readonly string[]): number {
    const cached = this.#byText.get(text);
    if (cached !== undefined) {
      cached.scrape = this.#scrape;
      return cached.series;
    }
    const { job, labels } = this.#target;
    const merged = seriesLabels(exposed(), labels, job.honorLabels);
    this.#checkLimits(merged);
    const series = this.#naming.seriesId(encodeLabels(merged));
    this.#byText.set(text, { series, scrape: this.#scrape });
    return series;
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
