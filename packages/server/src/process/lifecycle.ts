import type { Readiness } from '../http/readiness.ts';

type Phase = 'starting' | 'running' | 'stopping' | 'failed';

/** Where a process is in its life, for its readiness probe. */
export interface Lifecycle {
  readonly phase: Phase;
  /** Not ready before the start is complete, and from the moment that a stop or a failure begins. */
  readiness(): Readiness;
  /** The reason is what `/-/ready` says. */
  enter(phase: Phase, reason?: string): void;
}

const REASONS: Readonly<Record<Phase, string | undefined>> = {
  starting: 'starting',
  running: undefined,
  stopping: 'shutting down',
  failed: 'failed',
};

export function createLifecycle(): Lifecycle {
  let phase: Phase = 'starting';
  let reason = REASONS[phase];
  return {
    get phase() {
      return phase;
    },
    readiness: () => (phase === 'running' ? { ready: true } : { ready: false, reason }),
    enter(next, why) {
      phase = next;
      reason = why ?? REASONS[next];
    },
  };
}
