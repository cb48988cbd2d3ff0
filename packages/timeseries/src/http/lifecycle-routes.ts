import { HttpError } from '@opendata/server';
import type { FastifyInstance } from 'fastify';

export interface LifecycleRouteOptions {
  /** Without it both are refused. */
  readonly enabled: boolean;
  /** @throws Error with what is wrong with the configuration */
  reload(): Promise<void>;
  /** Begins the end of the process. */
  quit(): void;
}

/** `/-/reload` and `/-/quit`, as in Prometheus with `--web.enable-lifecycle`. */
export function addLifecycleRoutes(app: FastifyInstance, { enabled, reload, quit }: LifecycleRouteOptions): void {
  const refuseUnlessEnabled = () => {
    if (enabled) return;
    throw new HttpError(403, 'Lifecycle API is not enabled: start the server with --web.enable-lifecycle');
  };
  app.route({
    method: ['POST', 'PUT'],
    url: '/-/reload',
    config: { body: 'raw' },
    async handler() {
      refuseUnlessEnabled();
      try {
        await reload();
      } catch (error) {
        throw new HttpError(500, `failed to reload config: ${error instanceof Error ? error.message : String(error)}`);
      }
      return '';
    },
  });
  app.route({
    method: ['POST', 'PUT'],
    url: '/-/quit',
    config: { body: 'raw' },
    async handler() {
      refuseUnlessEnabled();
      setImmediate(quit);
      return 'Requesting termination... Goodbye!';
    },
  });
}
