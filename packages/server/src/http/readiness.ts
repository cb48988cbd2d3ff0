/** Whether a server should get requests, and why not. */
export interface Readiness {
  readonly ready: boolean;
  readonly reason?: string | undefined;
}

export type ReadinessCheck = () => Readiness | Promise<Readiness>;

/** A check that has not answered after this long counts as not ready: probes give up after a second by default. */
const CHECK_DEADLINE_MS = 5000;

/** Runs checks in order and stops at the first that says no; one that fails or hangs is a no. */
export async function checkReadiness(checks: readonly ReadinessCheck[]): Promise<Readiness> {
  for (const check of checks) {
    const readiness = await runCheck(check);
    if (!readiness.ready) return readiness;
  }
  return { ready: true };
}

async function runCheck(check: ReadinessCheck): Promise<Readiness> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<Readiness>((resolve) => {
    timer = setTimeout(resolve, CHECK_DEADLINE_MS, {
      ready: false,
      reason: `the readiness check did not answer within ${CHECK_DEADLINE_MS / 1000} s`,
    });
  });
  try {
    return await Promise.race([check(), deadline]);
  } catch (error) {
    return { ready: false, reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
