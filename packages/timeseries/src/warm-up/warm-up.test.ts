import { createEngine } from '@opendata/promql';
import { createHttpServer, createLogger, createRegistry } from '@opendata/server';
import { describe, expect, it } from 'vitest';
import { directRoutes } from '../http/direct-routes.ts';
import { labelRoutes } from '../http/label-routes.ts';
import { queryRoutes } from '../http/query-routes.ts';
import { quickApiRoutes } from '../http/quick-api-routes.ts';
import { answerAll, type WarmUpRoutes, warmUpWhenIdle } from './warm-up.ts';
import { WarmUpClient } from './warm-up-client.ts';
import { WarmUpData } from './warm-up-data.ts';
import { smallRequests, warmUpRequests } from './warm-up-requests.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

const routes: WarmUpRoutes = (database) => {
  const api = [...queryRoutes({ engine: createEngine(), source: database, now: Date.now }), ...labelRoutes(database)];
  return { rawRoutes: directRoutes(api), quickRoutes: quickApiRoutes(api) };
};

describe('warm-up', () => {
  it('has an answer to each of its requests, and most are not empty', async () => {
    const data = await WarmUpData.create(async () => undefined);
    const http = createHttpServer({ registry: createRegistry(), logger, ...routes(() => data) });
    const { port, address } = await http.listen(0, '127.0.0.1');
    const client = await WarmUpClient.connect(port, address);
    const empty: string[] = [];
    const paths = [0, 1].flatMap((round) => [...warmUpRequests(round), ...smallRequests(round)]);
    for (const path of paths) {
      const answer = await client.get(path);
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      if (/"(?:result|data)":\[\]/.test(answer)) empty.push(path);
    }
    client.close();
    await http.close(0);
    expect(empty.length).toBeLessThan(paths.length / 10);
  });

  it('fails where a request is refused', async () => {
    await expect(
      answerAll(
        () => ({ rawRoutes: [], quickRoutes: [] }),
        1,
        async () => undefined,
      ),
    ).rejects.toThrow(/404/);
  });

  it('ends when it is told to', async () => {
    let asked = 0;
    const counted: WarmUpRoutes = (database) => {
      asked++;
      return routes(database);
    };
    warmUpWhenIdle({ routes: counted, logger, delayMs: 1 })();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asked).toBe(0);
  });
});
