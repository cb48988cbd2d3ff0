import type { ServerResponse } from 'node:http';

/**
 * Resolves true when the client took what was written, false when it has left. One that has not taken it when `stop`
 * fires is cut off.
 */
export function drained(response: ServerResponse, stop?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (taken: boolean) => {
      response.off('drain', onDrain);
      response.off('close', onGone);
      stop?.removeEventListener('abort', onStop);
      resolve(taken);
    };
    const onDrain = () => finish(true);
    const onGone = () => finish(false);
    const onStop = () => response.destroy();
    response.on('drain', onDrain);
    response.on('close', onGone);
    stop?.addEventListener('abort', onStop);
    if (response.destroyed) onGone();
    else if (stop?.aborted) onStop();
  });
}
