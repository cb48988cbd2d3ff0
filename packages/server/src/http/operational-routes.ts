import type { FastifyInstance } from 'fastify';
import { negotiateExposition } from '../metrics/negotiate.ts';
import type { Registry } from '../metrics/registry.ts';
import { EXPOSITION_CONTENT_TYPE } from '../metrics/text.ts';
import { checkReadiness, type ReadinessCheck } from './readiness.ts';

export interface OperationalOptions {
  readonly registry: Registry;
  readonly readinessChecks: readonly ReadinessCheck[];
}

/** `/-/healthy`, `/-/ready` and `/metrics`. */
export function addOperationalRoutes(app: FastifyInstance, { registry, readinessChecks }: OperationalOptions): void {
  app.get('/-/healthy', (_request, reply) => {
    reply.type('text/plain; charset=utf-8').send('OK\n');
  });
  app.get('/-/ready', async (_request, reply) => {
    const { ready, reason } = await checkReadiness(readinessChecks);
    reply.code(ready ? 200 : 503).type('text/plain; charset=utf-8');
    return ready ? 'Ready\n' : `Not Ready${reason === undefined ? '' : `: ${reason}`}\n`;
  });
  app.get('/metrics', async (request, reply) => {
    const format = negotiateExposition(request.headers.accept);
    const parts: string[] = [];
    for (const part of registry.renderParts(format)) {
      parts.push(part);
      await new Promise(setImmediate);
    }
    reply.header('vary', 'Accept').type(EXPOSITION_CONTENT_TYPE[format]);
    return parts.join('');
  });
}
