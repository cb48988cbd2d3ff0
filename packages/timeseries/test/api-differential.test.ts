import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, type ServerProcess, startOurs, startServer } from '../../../test/support/server-process.ts';
import { CASES, type Case } from './api-cases.testing.ts';
import { DATA_TIME_S, pushData } from './api-data.testing.ts';

/** The newest Prometheus to compare with, whose path is given, or none; Debian's 2.42 speaks an older API. */
const binary = process.env['PROMETHEUS_NEWEST'] ?? '';
const hasOld = (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'prometheus')));
const isNewest = binary !== '' && existsSync(binary);

interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: unknown;
}

async function answerOf(url: string, { method = 'GET', path, form }: Case): Promise<Answer> {
  const at = (text: string) => text.replaceAll('$T', String(DATA_TIME_S)).replaceAll('$S', String(DATA_TIME_S - 30));
  const response = await fetch(url + at(path), {
    method,
    ...(form !== undefined && {
      body: at(form),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }),
  });
  const text = await response.text();
  const contentType = response.headers.get('content-type');
  const body = contentType === 'application/json' && text !== '' ? withoutTimings(text) : text;
  return { status: response.status, contentType: text === '' ? null : contentType, body };
}

/** The body as text, so that the format of numbers and the order of keys count too. */
function withoutTimings(text: string): string {
  return text.replace(/"timings":\{[^}]*\}/, '"timings":{}');
}

describe.skipIf(!isNewest && !hasOld)(`the API and ${isNewest ? 'the newest Prometheus' : 'Prometheus 2.42'}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'api-differential-'));
  let ours: ServerProcess;
  let theirs: ServerProcess;

  beforeAll(async () => {
    const config = join(folder, 'ours.yaml');
    writeFileSync(config, 'storage: {type: InMemory}\n');
    writeFileSync(join(folder, 'prometheus.yml'), 'storage:\n  exemplars:\n    max_exemplars: 1000\n');
    const port = await freePort();
    const features = 'exemplar-storage,native-histograms';
    const more = ',promql-experimental-functions,promql-duration-expr,promql-per-step-stats';
    [ours, theirs] = await Promise.all([
      startOurs('opendata-timeseries', ['--config', config]),
      startServer({
        command: isNewest ? binary : 'prometheus',
        args: [
          `--config.file=${join(folder, 'prometheus.yml')}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
          '--web.enable-remote-write-receiver',
          '--log.level=error',
          `--enable-feature=${features}${isNewest ? more : ''}`,
        ],
        port,
      }),
    ]);
    await pushData(theirs.url);
    await pushData(ours.url);
  });

  afterAll(async () => {
    await Promise.all([ours?.kill('SIGTERM'), theirs?.kill('SIGTERM')]);
    rmSync(folder, { recursive: true, force: true });
  });

  const cases = CASES.filter((one) => isNewest || one.since === undefined);
  it.each(cases.map((one): [string, Case] => [`${one.method ?? 'GET'} ${one.path} ${one.form ?? ''}`, one]))(
    '%s',
    async (_name, one) => {
      const [expected, actual] = await Promise.all([answerOf(theirs.url, one), answerOf(ours.url, one)]);
      // The words of messages have changed since the older release.
      if (!isNewest && expected.status >= 400) expect(actual.status).toBe(expected.status);
      else expect(actual).toEqual(expected);
    },
  );
});
