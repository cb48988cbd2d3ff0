import type { HttpServer, QuickRoute, RawRoute } from '@opendata/server';
import type { LogDb } from '../db.ts';
import { maxKeyBytes } from '../key-bytes.ts';
import { addAboutRoutes } from './about-routes.ts';
import { AnswerMemory } from './answer-memory.ts';
import { appendRoutes } from './append-route.ts';
import { countRoutes } from './count-route.ts';
import { addDurabilityRoutes } from './durability-routes.ts';
import { readRoute } from './read-route.ts';
import { addReadRoutes } from './read-routes.ts';
import { refusedWrites } from './refused-writes.ts';
import { scanRoute } from './scan-route.ts';
import { sessionRoute } from './session-route.ts';
import { tailRoute } from './tail-route.ts';

export interface RouteLimits {
  /** Records in one append request. */
  readonly maxBatchRecords: number;
  /** Bytes of one append request. */
  readonly maxRequestBytes: number;
  /** Bytes of pages that clients have not taken yet, beyond which further ones are small. */
  readonly maxAnswerBytes: number;
}

/** The routes that are answered before the framework sees them. `draining` ends what would go on for ever. */
export function earlyLogRoutes(
  db: () => LogDb,
  { maxBatchRecords, maxRequestBytes, maxAnswerBytes }: RouteLimits,
  draining: AbortSignal,
  isReadOnly = false,
): { readonly rawRoutes: readonly RawRoute[]; readonly quickRoutes: readonly QuickRoute[] } {
  const memory = new AnswerMemory(maxAnswerBytes);
  const count = countRoutes(db);
  const reads = [count.raw, scanRoute(db, memory), readRoute(db, memory), tailRoute(db, draining)];
  if (isReadOnly) return { rawRoutes: [...reads, ...refusedWrites], quickRoutes: [count.quick] };
  const append = appendRoutes(db, maxBatchRecords);
  const sessionLimits = { maxRecords: maxBatchRecords, maxFrameBytes: maxRequestBytes, maxKeyBytes };
  return {
    rawRoutes: [append.raw, ...reads, sessionRoute(db, sessionLimits, draining)],
    quickRoutes: [append.quick, count.quick],
  };
}

/** The others. */
export function addLogRoutes(app: HttpServer['app'], db: () => LogDb, version: string): void {
  addAboutRoutes(app, version);
  addReadRoutes(app, db);
  addDurabilityRoutes(app, db);
}
