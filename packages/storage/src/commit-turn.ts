import type { CommitGroup } from './commit-group.ts';
import type { EngineOp } from './engine.ts';
import type { StorageError } from './errors.ts';

/** How many bytes of pages and deletions are written at once. */
const turnBytes = 4 * 1024 * 1024;
/**
 * With a journal group, for which somebody waits, they are at most twice as many as its own, or this: what is written
 * again as pages keeps up with what arrives, and does not hold it up for long.
 */
const leastTurnBytes = 256 * 1024;
/** Deletions cost by the row, not by the byte. */
const turnRows = 2000;

/** What is written at once. */
export interface Turn {
  readonly group: CommitGroup | undefined;
  readonly units: readonly Unit[];
  readonly ops: readonly EngineOp[];
  readonly endsTable: boolean;
  /** Since when the oldest part of it waits. */
  readonly sinceMs: number;
  /** What it failed with, or undefined when it is durable; once it is being written. */
  outcome?: Promise<StorageError | undefined>;
}

/** A batch beside the journal. */
export interface Unit {
  readonly ops: readonly EngineOp[];
  readonly endsTable: boolean;
  readonly sizeBytes: number;
  readonly afterGroup: number;
  readonly submittedMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Puts a group and the first of `waiting`, which are taken out, into one turn; undefined where there is nothing. */
export function takeTurn(group: CommitGroup | undefined, waiting: Unit[], durableGroup: number): Turn | undefined {
  const units =
    group === undefined
      ? takeUnits(waiting, durableGroup, turnBytes)
      : takeUnits(waiting, group.number, Math.min(turnBytes, Math.max(leastTurnBytes, 2 * group.sizeBytes)));
  if (group === undefined && units.length === 0) return undefined;
  const nowMs = performance.now();
  const ops = group?.rows() ?? [];
  for (const unit of units) for (const op of unit.ops) ops.push(op);
  return {
    group,
    units,
    ops,
    endsTable: units.some((unit) => unit.endsTable),
    sinceMs: Math.min(group?.openedMs ?? nowMs, units[0]?.submittedMs ?? nowMs),
  };
}

function takeUnits(units: Unit[], group: number, limitBytes: number): readonly Unit[] {
  let count = 0;
  let sizeBytes = 0;
  let rows = 0;
  while (count < units.length) {
    const unit = units[count]!;
    if (unit.afterGroup > group) break;
    if (count > 0 && (sizeBytes + unit.sizeBytes > limitBytes || rows + unit.ops.length > turnRows)) break;
    sizeBytes += unit.sizeBytes;
    rows += unit.ops.length;
    count++;
  }
  return units.splice(0, count);
}
