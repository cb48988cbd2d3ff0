import { encodeWriteRequest, snappyCompress } from '@opendata/wire';
import { expect } from 'vitest';
import { ask, type Load, type LoadAnswer, post, startLoad } from './load.ts';
import type { ServerProcess } from './server-process.ts';
import type { LoadOptions, Witness } from './witness.ts';

const seriesPerWriter = 40;
const stepMs = 1000;
/** Samples begin so long ago that a load never gets ahead of the clock. */
const headStartMs = 6 * 3_600_000;

export const WRITE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
};

/** The scrapes, by their number, that a writer sent, and those that were acknowledged. */
interface WriterHistory {
  sent: number;
  readonly acknowledged: Set<number>;
}

/** Remote-writes one sample for each of 40 series a request; each client of a load is a writer of its own. */
export class TimeSeriesWitness implements Witness {
  readonly #startMs = Math.floor(Date.now() / stepMs) * stepMs - headStartMs;
  readonly #writers: WriterHistory[] = [];
  #requests = 0;

  get acknowledged(): number {
    return this.#requests;
  }

  startLoad({ clients, url }: LoadOptions): Load {
    const first = this.#writers.length;
    for (let i = 0; i < clients; i++) this.#writers.push({ sent: 0, acknowledged: new Set() });
    return startLoad(clients, (client) => this.#write(url(), first + client));
  }

  async verify(server: Pick<ServerProcess, 'url'>): Promise<void> {
    for (const [writer, history] of this.#writers.entries()) {
      const { sent } = history;
      if (sent === 0) continue;
      // What is acknowledged from here on need not be in the answer.
      const acknowledged = new Set(history.acknowledged);
      const response = await ask(
        `${server.url}/api/v1/query?${new URLSearchParams({
          query: `witness{writer="w${writer}"}[${sent + 10}s]`,
          time: String(this.#startMs / 1000 + sent),
        })}`,
      );
      expect(response.status).toBe(200);
      const answer = (await response.json()) as {
        data: { result: { metric: { series: string }; values: [number, string][] }[] };
      };
      if (acknowledged.size > 0) expect(answer.data.result).toHaveLength(seriesPerWriter);
      for (const { metric, values } of answer.data.result) {
        this.#verifySeries(writer, Number(metric.series.slice(1)), values, acknowledged);
      }
    }
  }

  #verifySeries(
    writer: number,
    series: number,
    values: readonly [number, string][],
    acknowledged: ReadonlySet<number>,
  ): void {
    const { sent } = this.#writers[writer]!;
    const scrapes = new Set<number>();
    for (const [seconds, value] of values) {
      const scrape = Math.round((seconds * 1000 - this.#startMs) / stepMs);
      if (scrape < 0 || scrape >= sent) expect.fail(`scrape ${scrape} of writer ${writer} was never sent`);
      if (scrapes.has(scrape)) expect.fail(`scrape ${scrape} of writer ${writer} twice`);
      scrapes.add(scrape);
      if (Number(value) !== sampleValue(writer, series, scrape)) expect.fail(`scrape ${scrape} has value ${value}`);
    }
    for (const scrape of acknowledged) {
      if (!scrapes.has(scrape)) expect.fail(`acknowledged scrape ${scrape} of writer ${writer} is missing`);
    }
  }

  async #write(url: string, writer: number): Promise<LoadAnswer> {
    const history = this.#writers[writer]!;
    const scrape = history.sent++;
    const body = snappyCompress(
      encodeWriteRequest({
        series: Array.from({ length: seriesPerWriter }, (_, series) => ({
          labels: ['__name__', 'witness', 'series', `s${series}`, 'writer', `w${writer}`],
          samples: [{ timestampMs: this.#startMs + scrape * stepMs, value: sampleValue(writer, series, scrape) }],
        })),
      }),
    );
    const answer = await post(`${url}/api/v1/write`, WRITE_HEADERS, body as Uint8Array<ArrayBuffer>);
    if (answer.status === 204) {
      history.acknowledged.add(scrape);
      this.#requests++;
    }
    return answer;
  }
}

function sampleValue(writer: number, series: number, scrape: number): number {
  return writer * 1e6 + series * 1e4 + ((scrape * 7919) % 9973);
}
