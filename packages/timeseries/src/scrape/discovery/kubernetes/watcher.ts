import { createInterface } from 'node:readline';
import { Backoff, type Logger, pause } from '@opendata/storage';
import { ApiError, type KubernetesApi, openAnswer } from './api.ts';
import { keyOfObject } from './cluster.ts';
import type { KubernetesObject } from './objects.ts';

const PAGE_OBJECTS = 500;
/** The API server ends a watch after so long; a time of chance up to twice that keeps watches apart. */
const WATCH_SECONDS = 300;
/** Nothing comes of a connection that broke unseen: so much later a watch that should have ended is given up. */
const OVERDUE_MS = 30_000;
/** For a page of objects. */
const LIST_TIMEOUT_MS = 60_000;
const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
/** The version that was to be gone on from is not there any more. */
const GONE = 410;

export interface WatcherOptions<T extends KubernetesObject> {
  readonly api: KubernetesApi;
  /** `/api/v1/pods` */
  readonly path: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly logger: Logger;
  /** What there is of this path, by namespace and name; kept up to date. */
  readonly objects: Map<string, T>;
  readonly onChange: () => void;
  /** How long a page of objects may take, ms; 60,000 by default. */
  readonly listTimeoutMs?: number;
}

/** Lists the objects of a path, and follows what happens to them, until it is stopped. */
export interface Watcher {
  /** Resolves when the objects were listed, or that failed, for the first time. */
  readonly asked: Promise<void>;
  stop(): Promise<void>;
}

interface ListAnswer<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly T[] | null;
}

interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T & { readonly code?: number; readonly message?: string };
}

/** While the API server does not answer, what it said last holds. */
export function startWatcher<T extends KubernetesObject>(options: WatcherOptions<T>): Watcher {
  const {
    api,
    path,
    labelSelector,
    fieldSelector,
    logger,
    objects,
    onChange,
    listTimeoutMs = LIST_TIMEOUT_MS,
  } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let firstAsked: () => void;
  const asked = new Promise<void>((resolve) => {
    firstAsked = resolve;
  });
  let failure = '';

  const target = (parameters: Readonly<Record<string, string>>): string => {
    const query = new URLSearchParams(parameters);
    if (labelSelector !== '') query.set('labelSelector', labelSelector);
    if (fieldSelector !== '') query.set('fieldSelector', fieldSelector);
    return `${path}?${query}`;
  };

  /** @returns the version from which to watch */
  const list = async (): Promise<string> => {
    const found = new Map<string, T>();
    let next = '';
    for (;;) {
      const page = { limit: String(PAGE_OBJECTS), ...(next !== '' && { continue: next }) };
      const either = AbortSignal.any([signal, AbortSignal.timeout(listTimeoutMs)]);
      const response = await openAnswer(api, target(page), either);
      const { metadata, items } = JSON.parse(Buffer.concat(await response.toArray()).toString('utf8')) as ListAnswer<T>;
      for (const item of items ?? []) found.set(keyOfObject(item), item);
      next = metadata?.continue ?? '';
      if (next !== '') continue;
      objects.clear();
      for (const [key, object] of found) objects.set(key, object);
      onChange();
      return metadata?.resourceVersion ?? '';
    }
  };

  /** Until the server ends it. @returns the version from which to go on */
  const watch = async (version: string): Promise<string> => {
    const seconds = Math.round(WATCH_SECONDS * (1 + Math.random()));
    const parameters = { watch: '1', allowWatchBookmarks: 'true', resourceVersion: version };
    const overdue = AbortSignal.timeout(seconds * 1000 + OVERDUE_MS);
    const either = AbortSignal.any([signal, overdue]);
    const response = await openAnswer(api, target({ ...parameters, timeoutSeconds: String(seconds) }), either);
    let last = version;
    for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() === '') continue;
      const { type, object } = JSON.parse(line) as WatchEvent<T>;
      if (type === 'ERROR') throw new ApiError(object.code ?? 0, object.message ?? 'the watch failed');
      last = object.metadata?.resourceVersion ?? last;
      if (type === 'BOOKMARK') continue;
      if (type === 'DELETED') objects.delete(keyOfObject(object));
      else objects.set(keyOfObject(object), object);
      onChange();
    }
    return last;
  };

  const run = async (): Promise<void> => {
    let version: string | undefined;
    const backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
    while (!signal.aborted) {
      try {
        version = version === undefined ? await list() : await watch(version);
        if (failure !== '') logger.info({ api: api.url, path }, 'the Kubernetes API answers again');
        failure = '';
        backoff.succeeded();
        firstAsked();
      } catch (error) {
        firstAsked();
        if (signal.aborted) return;
        if (error instanceof ApiError && error.status === GONE) {
          version = undefined;
          continue;
        }
        const reason = error instanceof Error ? error.message : String(error);
        if (reason !== failure) logger.warn({ api: api.url, path, reason }, 'the Kubernetes API cannot be asked');
        failure = reason;
        await pause(backoff.failed(), signal);
      }
    }
  };

  const running = run();
  return {
    asked,
    stop() {
      stopping.abort();
      firstAsked();
      return running;
    },
  };
}
