/** What a planned job needs to know of a head. */
export interface PlannedHead {
  readonly lane: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly sampleCount: number;
  /** For how long the head got nothing, and how long it is there. */
  readonly quietMs: number;
  readonly ageMs: number;
  /** Whether the window takes samples in this head. */
  readonly isOpen: boolean;
}

/** What a planned job needs to know of a block. */
export interface PlannedBlock {
  readonly id: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly rank: number;
  readonly sizeBytes: number;
  /** It cannot be merged, and stays between those that are older and newer. */
  readonly isDamaged?: boolean;
}

export interface SealOptions {
  /** Length of a window, in ms. */
  readonly windowMs: number;
  /** How long after its end a window is kept in memory for late samples, in ms. */
  readonly graceMs: number;
}

export type Job =
  | { readonly kind: 'seal'; readonly lanes: readonly number[]; readonly startMs: number; readonly endMs: number }
  | { readonly kind: 'merge'; readonly blocks: readonly number[]; readonly startMs: number; readonly endMs: number };

export interface PlanInput {
  readonly heads: readonly PlannedHead[];
  readonly blocks: readonly PlannedBlock[];
  readonly nowMs: number;
  readonly options: SealOptions;
  /** Seal the largest window even though it is not complete: memory runs out. */
  readonly isPressed?: boolean;
  /** Seal without waiting: `complete` windows whose end is past, or `all`. */
  readonly force?: 'complete' | 'all' | undefined;
}

/** Spans into which blocks are merged as they age, in windows, the longest first. */
const SPANS_IN_WINDOWS = [24, 6, 1];
/**
 * A window that is complete is sealed after it got nothing for so long. A sender that pauses longer costs one late block a
 * minute and their merge.
 */
const QUIET_MS = 750;
/** The same for late samples of a window that has a block already. */
const LATE_QUIET_MS = 60_000;
/** It is sealed after this time at the latest, in ms, even if it still gets samples. */
const LONGEST_MS = 600_000;
/** It waits for other windows of its day for so long at most, in ms. */
const LONGEST_WAIT_MS = 120_000;
/** Heads that are smaller do not help when memory runs out. */
const MIN_PRESSED_SAMPLES = 100_000;
/** Late blocks are merged into the block of a full span when they are this share of it, or as many. */
const LATE_SHARE = 0.25;
const LATE_BLOCKS = 4;

/** The next thing to do, if any. */
export function planJob(input: PlanInput): Job | undefined {
  return planSeal(input) ?? planMerge(input);
}

function planSeal(input: PlanInput): Job | undefined {
  const { heads, nowMs, options } = input;
  const quiet = heads.filter((head) => isReady(head, input));
  const quietLanes = new Set(quiet.map(({ lane }) => lane));
  const ready = quiet.filter((head) => !waitsForOthers(head, quietLanes, input));
  const lanes = new Set(ready.map(({ lane }) => lane));
  for (const windows of SPANS_IN_WINDOWS.slice(0, -1)) {
    const spanMs = windows * options.windowMs;
    for (const startMs of new Set(ready.map((head) => Math.floor(head.startMs / spanMs) * spanMs))) {
      const endMs = startMs + spanMs;
      if (endMs + graceOf(input) > nowMs) continue;
      const members = heads.filter((head) => head.startMs < endMs && head.endMs > startMs);
      const isWhole = members.every((head) => lanes.has(head.lane) && head.startMs >= startMs && head.endMs <= endMs);
      if (isWhole && new Set(members.map((head) => head.startMs)).size > 1) return sealing(members, startMs, endMs);
    }
  }
  const [first] = ready;
  const chosen = first ?? (input.isPressed === true ? largest(heads) : undefined);
  if (chosen === undefined) return undefined;
  // All heads of the window, as those that stay in memory must be newer than any block.
  const { startMs, endMs } = chosen;
  return sealing(
    heads.filter((head) => head.startMs === startMs && head.endMs === endMs),
    startMs,
    endMs,
  );
}

/**
 * Whether another window of the same past day still gets samples, as in a backfill: one block for all of them is less
 * to write than blocks of an hour that are merged soon after.
 */
function waitsForOthers(head: PlannedHead, quietLanes: ReadonlySet<number>, input: PlanInput): boolean {
  const { heads, blocks, force, isPressed, nowMs, options } = input;
  if (force !== undefined || isPressed === true || !head.isOpen || head.ageMs >= LONGEST_WAIT_MS) return false;
  const spanMs = SPANS_IN_WINDOWS[0]! * options.windowMs;
  const startMs = Math.floor(head.startMs / spanMs) * spanMs;
  const endMs = startMs + spanMs;
  if (endMs + options.graceMs > nowMs) return false;
  const overlaps = (other: { readonly startMs: number; readonly endMs: number }): boolean =>
    other.startMs < endMs && other.endMs > startMs;
  if (blocks.some(overlaps)) return false;
  return heads.some((other) => !quietLanes.has(other.lane) && overlaps(other));
}

function sealing(heads: readonly PlannedHead[], startMs: number, endMs: number): Job {
  return { kind: 'seal', lanes: heads.map(({ lane }) => lane), startMs, endMs };
}

function graceOf({ force, options }: PlanInput): number {
  return force === undefined ? options.graceMs : 0;
}

function isReady(head: PlannedHead, input: PlanInput): boolean {
  const { force, nowMs, blocks } = input;
  if (force === 'all') return true;
  if (head.endMs + graceOf(input) > nowMs) return false;
  if (force === 'complete' || !head.isOpen) return true;
  const isLate = blocks.some((block) => block.startMs < head.endMs && block.endMs > head.startMs);
  return head.quietMs >= (isLate ? LATE_QUIET_MS : QUIET_MS) || head.ageMs >= LONGEST_MS + head.endMs - head.startMs;
}

function largest(heads: readonly PlannedHead[]): PlannedHead | undefined {
  let found: PlannedHead | undefined;
  for (const head of heads) if (head.sampleCount > (found?.sampleCount ?? MIN_PRESSED_SAMPLES)) found = head;
  return found;
}

function planMerge(input: PlanInput): Job | undefined {
  const { blocks, heads, nowMs, options } = input;
  for (const windows of SPANS_IN_WINDOWS) {
    const spanMs = windows * options.windowMs;
    for (const startMs of new Set(blocks.map((block) => Math.floor(block.startMs / spanMs) * spanMs))) {
      const endMs = startMs + spanMs;
      if (endMs + options.graceMs > nowMs) continue;
      const isMember = (block: PlannedBlock) => block.startMs >= startMs && block.endMs <= endMs && !block.isDamaged;
      const members = blocks.filter(isMember);
      const waits = heads.some((head) => head.startMs < endMs && head.endMs > startMs);
      if (members.length < 2 || (waits && members.length <= windows)) continue;
      if (pays(members, spanMs) && keepsOrder(members, blocks)) {
        return { kind: 'merge', blocks: members.map(({ id }) => id), startMs, endMs };
      }
    }
  }
  return undefined;
}

/** Whether there is enough besides the block that has the full span already. */
function pays(members: readonly PlannedBlock[], spanMs: number): boolean {
  const full = members.filter((block) => block.endMs - block.startMs === spanMs);
  if (full.length === 0) return true;
  const largestBytes = Math.max(...full.map(({ sizeBytes }) => sizeBytes));
  const total = members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return total - largestBytes >= largestBytes * LATE_SHARE || members.length > LATE_BLOCKS;
}

/** Whether no other block has samples that are older than some of the merged block's and newer than others. */
function keepsOrder(members: readonly PlannedBlock[], blocks: readonly PlannedBlock[]): boolean {
  const ranks = members.map(({ rank }) => rank);
  const lowest = Math.min(...ranks);
  const highest = Math.max(...ranks);
  const startMs = Math.min(...members.map((block) => block.startMs));
  const endMs = Math.max(...members.map((block) => block.endMs));
  return blocks.every(
    (block) =>
      members.includes(block) ||
      block.endMs <= startMs ||
      block.startMs >= endMs ||
      block.rank < lowest ||
      block.rank > highest,
  );
}
