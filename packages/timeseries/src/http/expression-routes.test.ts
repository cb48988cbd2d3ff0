import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { addExpressionRoutes } from './expression-routes.ts';

async function ask(path: string, query: string) {
  const app = Fastify();
  addExpressionRoutes(app);
  return await app.inject({ url: `/api/v1${path}`, query: { query } });
}

it('writes the keys of a tree in the order of the alphabet', async () => {
  const number = (val: string) => `{"type":"numberLiteral","val":"${val}"}`;
  const tree = `{"bool":false,"lhs":${number('1')},"matching":null,"op":"+","rhs":${number('2')},"type":"binaryExpr"}`;
  expect((await ask('/parse_query', '1 + 2')).body).toBe(`{"status":"success","data":${tree}}`);
});

it('describes long chains of operators', async () => {
  const chain = `1${'+1'.repeat(4999)}`;
  const tree = await ask('/parse_query', chain);
  expect(tree.statusCode).toBe(200);
  expect(tree.body.match(/binaryExpr/g)).toHaveLength(4999);
  const text = await ask('/format_query', `1${'+1'.repeat(1999)}`);
  expect(text.statusCode).toBe(200);
  expect(text.body.match(/\+/g)).toHaveLength(1999);
  expect((await ask('/format_query', `1${'+1'.repeat(20_000)}`)).statusCode).toBe(400);
});
