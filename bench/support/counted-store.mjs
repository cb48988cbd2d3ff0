import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { startCountingProxy } from './counting-proxy.mjs';
import { testing } from './object-store-rig.mjs';

/**
 * An S3 server with counting proxies before it, on a thread of their own: what loads a benchmark does not hold up the
 * store.
 *
 * @returns {Promise<{bucket: string, env: Record<string, string>, addProxy(): Promise<CountedProxy>, stop(): Promise<void>}>}
 */
export async function startCountedStore() {
  const worker = new Worker(new URL(import.meta.url));
  let asked = 0;
  const ask = async (message) => {
    const id = ++asked;
    worker.postMessage({ ...message, id });
    for (;;) {
      const [answer] = await once(worker, 'message');
      if (answer.id === id) return answer.result;
    }
  };
  const { bucket, env } = await ask({ what: 'start' });
  return {
    bucket,
    env,
    addProxy: async () => {
      const { number, endpoint } = await ask({ what: 'proxy' });
      return { endpoint, reset: () => ask({ what: 'reset', number }), counts: () => ask({ what: 'counts', number }) };
    },
    stop: async () => {
      await ask({ what: 'stop' });
      await worker.terminate();
    },
  };
}

if (!isMainThread) {
  const proxies = [];
  let s3;
  const actions = {
    async start() {
      s3 = await testing.startS3Server();
      return { bucket: s3.bucket, env: s3.env };
    },
    async proxy() {
      const proxy = await startCountingProxy(s3.endpoint);
      return { number: proxies.push(proxy) - 1, endpoint: proxy.endpoint };
    },
    reset: ({ number }) => proxies[number].reset(),
    counts: ({ number }) => proxies[number].counts,
    async stop() {
      for (const proxy of proxies) proxy.stop();
      await s3.destroy();
    },
  };
  parentPort.on('message', async (message) => {
    parentPort.postMessage({ id: message.id, result: await actions[message.what](message) });
  });
}
