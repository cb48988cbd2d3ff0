import { createHttpServer, createRegistry, type Logger } from '@opendata/server';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { silentLogger } from '../../logger.ts';
import { addLogRoutes, earlyLogRoutes } from '../routes.ts';
import { openApiDocument } from './document.ts';

const nobody = () => {
  throw new Error('there is no log');
};

it('is a valid OpenAPI 3.1 document', async () => {
  const document = JSON.parse(JSON.stringify(openApiDocument('1.2.3')));
  const { valid, errors } = await new Validator().validate(document);
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

it('has every route of the server, and no other', async () => {
  const routes: string[] = earlyLogRoutes(
    nobody,
    { maxBatchRecords: 1, maxRequestBytes: 1, maxAnswerBytes: 1 },
    new AbortController().signal,
  ).rawRoutes.map(({ method, path }) => `${method} ${path}`);
  const { app } = createHttpServer({ registry: createRegistry(), logger: silentLogger as unknown as Logger });
  app.addHook('onRoute', ({ method, url }) => {
    if (method !== 'HEAD') routes.push(`${method} ${url}`);
  });
  addLogRoutes(app, nobody, '1.2.3');
  await app.ready();
  const operational = ['/metrics', '/-/healthy', '/-/ready'];
  for (const url of operational) expect(app.hasRoute({ method: 'GET', url })).toBe(true);
  const documented = Object.entries(openApiDocument('1.2.3').paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(documented.sort()).toEqual([...routes, ...operational.map((path) => `GET ${path}`)].sort());
  await app.close();
});

it('has no schema and no parameter that nothing refers to', () => {
  const { components, ...rest } = openApiDocument('1.2.3');
  const text = JSON.stringify({ rest, schemas: components.schemas });
  for (const [kind, members] of Object.entries(components)) {
    for (const name of Object.keys(members)) {
      if (name !== 'KeyedValue') expect(text, name).toContain(`"#/components/${kind}/${name}"`);
    }
  }
});
