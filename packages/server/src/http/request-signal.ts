import type { ServerResponse } from 'node:http';

const kController = Symbol('request abort controller');

interface WithController extends ServerResponse {
  [kController]?: AbortController;
}

/**
 * A signal that fires when the client leaves before its answer is complete; made on first use. Give it to queries and
 * to waits. (Fastify's own `request.signal` fires as soon as a body is read.)
 */
export function requestSignal(reply: { readonly raw: ServerResponse }): AbortSignal {
  const response = reply.raw as WithController;
  let controller = response[kController];
  if (controller === undefined) {
    controller = new AbortController();
    response[kController] = controller;
    if (response.destroyed && !response.writableFinished) controller.abort();
    else response.once('close', abortUnlessFinished);
  }
  return controller.signal;
}

function abortUnlessFinished(this: WithController): void {
  if (!this.writableFinished) this[kController]?.abort();
}
