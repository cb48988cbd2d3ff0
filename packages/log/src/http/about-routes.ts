import type { HttpServer } from '@opendata/server';
import { openApiDocument } from './openapi/document.ts';

const links = {
  openapi: '/openapi.json',
  append: '/api/v1/log/append',
  scan: '/api/v1/log/scan',
  read: '/api/v1/log/read',
  tail: '/api/v1/log/tail',
  keys: '/api/v1/log/keys',
  segments: '/api/v1/log/segments',
  metrics: '/metrics',
  healthy: '/-/healthy',
  ready: '/-/ready',
};

/** What says what else there is: `/` and the OpenAPI document. */
export function addAboutRoutes(app: HttpServer['app'], version: string): void {
  const document = JSON.stringify(openApiDocument(version));
  app.get('/', () => ({ name: 'opendata-log', links }));
  app.get('/openapi.json', (_request, reply) => reply.type('application/json').send(document));
}
