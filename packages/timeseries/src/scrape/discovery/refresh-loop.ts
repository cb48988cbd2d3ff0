/** Runs something now, at an interval and when asked, never twice at a time. */
export interface RefreshLoop {
  /** Asks for a run soon; several requests are one. */
  trigger(): void;
  /** Resolves after the first run. */
  readonly first: Promise<void>;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

/** Requests that come this close together are answered by one run: a file is written in several steps. */
const SETTLE_MS = 50;

/** @param run must not throw; its signal is aborted by the stop */
export function startRefreshLoop(intervalMs: number, run: (signal: AbortSignal) => Promise<void>): RefreshLoop {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let settling: NodeJS.Timeout | undefined;
  const refresh = () => {
    running = running.then(() => (stopping.signal.aborted ? undefined : run(stopping.signal)));
  };
  const timer = setInterval(refresh, Math.min(intervalMs, 0x7fffffff));
  refresh();
  const first = running;
  return {
    first,
    trigger() {
      clearTimeout(settling);
      settling = setTimeout(refresh, SETTLE_MS);
    },
    async stop() {
      stopping.abort();
      clearInterval(timer);
      clearTimeout(settling);
      await running;
    },
  };
}
