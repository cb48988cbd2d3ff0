import type { ServerResponse } from 'node:http';
import { HttpError } from './problem.ts';
import type { QuickExchange } from './quick-routes.ts';

const kController = Symbol('request abort controller');

/** An answer of either lane. */
interface AnyReply {
  readonly raw: ServerResponse | Pick<QuickExchange, 'controller'>;
}

interface WithController extends ServerResponse {
  [kController]?: AbortController;
}

/**
 * A signal that fires when the client leaves before its answer is complete, or when the server stops and waits no
 * longer; its reason is then an HttpError to answer with. Made on first use. Give it to queries and to waits. (Fastify's
 * own `request.signal` fires as soon as a body is read.)
 */
export function requestSignal(reply: AnyReply): AbortSignal {
  return requestController(reply).signal;
}

/** What aborts the signal of the request, for work that may end itself too. */
export function requestController({ raw }: AnyReply): AbortController {
  if ('controller' in raw) return raw.controller;
  const response = raw as WithController;
  let controller = response[kController];
  if (controller === undefined) {
    controller = new AbortController();
    response[kController] = controller;
    if (response.destroyed && !response.writableFinished) controller.abort();
    else response.once('close', abortUnlessFinished);
  }
  return controller;
}

/** Ends the work of a request that asked for its signal. Returns whether it had. */
export function callOff(response: ServerResponse): boolean {
  const controller = (response as WithController)[kController];
  controller?.abort(stoppingError());
  return controller !== undefined;
}

/** Why a request is called off. */
export function stoppingError(): HttpError {
  return new HttpError(503, 'the server is stopping', { code: 'unavailable', retryAfterSeconds: 1 });
}

function abortUnlessFinished(this: WithController): void {
  if (!this.writableFinished) this[kController]?.abort();
}
