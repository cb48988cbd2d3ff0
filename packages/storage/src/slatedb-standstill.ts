import { randomBytes } from 'node:crypto';
import { type ObjectStore, type WalFile, WalReader } from '@slatedb/uniffi';
import { slateDurationMs } from './settings.ts';
import type { SlateTarget } from './slatedb.ts';

/*
 * SlateDB 0.12 takes a file of the log that is there already for the sign of another writer: that one has begun with an
 * empty file of the number which this one would use next. Once the log's clean-up of the other writer has deleted that
 * file the sign is gone, and a writer that stood still meanwhile goes on as if nothing had been: what it acknowledges
 * until it looks at the manifest is lost (slatedb/slatedb#1622, mended in versions that have no binding for Node yet).
 * So after a standstill this long the writer looks before it acknowledges.
 */

/** The clean-up's default age of a file of the log. */
const defaultMinAgeMs = 60_000;
/** Looks at the manifest come in between, so a fraction of the age is on the safe side. */
const shareOfMinAge = 1 / 3;
const leastStandstillMs = 500;

/** From how long a standstill on another writer may have come unnoticed, in ms. */
export function longestStandstillMs(settings: Readonly<Record<string, unknown>>): number {
  const collector = settings['garbage_collector_options'] as Readonly<Record<string, unknown>> | undefined;
  const log = collector?.['wal_options'] as Readonly<Record<string, unknown>> | undefined;
  const minAge = log?.['min_age'];
  const minAgeMs = (typeof minAge === 'string' ? slateDurationMs(minAge) : undefined) ?? defaultMinAgeMs;
  return Math.max(leastStandstillMs, minAgeMs * shareOfMinAge);
}

/** Notices that the process stood still: stopped, frozen, or moved to another machine. */
export interface StandstillWatch {
  /** Whether it did since the last call. */
  stoodStill(): boolean;
  stop(): void;
}

export function watchForStandstill(longestMs: number): StandstillWatch {
  let lastMs = clocks();
  let stood = false;
  const look = (): void => {
    const nowMs = clocks();
    // One of the clocks stops with the machine, the other one may be set back.
    if (nowMs.some((now, clock) => now - lastMs[clock]! > longestMs)) stood = true;
    lastMs = nowMs;
  };
  const timer = setInterval(look, longestMs / 4);
  timer.unref();
  return {
    stoodStill: () => {
      look();
      const did = stood;
      stood = false;
      return did;
    },
    stop: () => clearInterval(timer),
  };
}

const clocks = (): readonly [number, number] => [Date.now(), performance.now()];

/** A value that no other writer would write. */
export const mark = (): Uint8Array => new Uint8Array(randomBytes(16));

/**
 * Whether the newest file of the log has this row with this value. Another writer has begun with a file that is newer,
 * and has newer ones as long as the database is there.
 */
export async function isNewestInLog(
  store: ObjectStore,
  target: SlateTarget,
  key: Uint8Array,
  value: Uint8Array,
): Promise<boolean> {
  const log = new WalReader(target.path, store);
  let files: readonly WalFile[] = [];
  try {
    files = await log.list(undefined, undefined);
    return files.length > 0 && (await hasRow(files.at(-1)!, key, value));
  } finally {
    for (const file of files) file.dispose();
    log.dispose();
  }
}

async function hasRow(file: WalFile, key: Uint8Array, value: Uint8Array): Promise<boolean> {
  const rows = await file.iterator();
  try {
    for (let row = await rows.next(); row !== undefined; row = await rows.next()) {
      if (Buffer.compare(row.key, key) === 0 && row.value !== undefined && Buffer.compare(row.value, value) === 0) {
        return true;
      }
    }
    return false;
  } finally {
    rows.dispose();
  }
}
