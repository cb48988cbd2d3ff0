import type { EngineOp } from './engine.ts';
import { JournalFrame } from './journal-frame.ts';
import { journalKey } from './keys.ts';

/** A lane's part of a group becomes a further row at this size. */
const rowBytes = 4 * 1024 * 1024;
const pooledFrames = 4;
/** Frames of this size are kept in any case. */
const leastPooledBytes = 256 * 1024;
/** Larger ones are kept if they were filled to this part at least: one large group leaves no large frames for ever. */
const leastFill = 1 / 8;
/** First size of the frames of further lanes: a backfill may have very many, of a few entries each. */
const smallFrameBytes = 512;

/** Frames that are free to be used again, so that a commit allocates no buffers once it runs. */
export class FramePool {
  readonly #free: JournalFrame[] = [];

  /** @param capacityBytes of a new one, the usual unless given */
  take(capacityBytes?: number): JournalFrame {
    return this.#free.shift() ?? new JournalFrame(capacityBytes);
  }

  give(frame: JournalFrame): void {
    const { capacityBytes, sizeBytes } = frame;
    if (this.#free.length >= pooledFrames || capacityBytes > 2 * rowBytes) return;
    if (capacityBytes > leastPooledBytes && sizeBytes < leastFill * capacityBytes) return;
    frame.reset();
    this.#free.push(frame);
  }
}

export interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly deadlineMs: number;
}

/** What is committed together: entries of any lanes, in the order in which they were appended. */
export class CommitGroup {
  readonly number: number;
  /** When the first entry came, by the monotonic clock. */
  readonly openedMs: number;
  waiters: Waiter[] = [];
  readonly #frames = new Map<number, JournalFrame[]>();
  readonly #pool: FramePool;
  #lastLane = Number.NaN;
  #lastFrame: JournalFrame | undefined;
  #entries = 0;
  #sizeBytes = 0;

  constructor(number: number, openedMs: number, pool: FramePool) {
    this.number = number;
    this.openedMs = openedMs;
    this.#pool = pool;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Bytes of all entries. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(lane: number, entry: Uint8Array): void {
    let frame = this.#lastFrame;
    if (lane !== this.#lastLane || frame === undefined || frame.sizeBytes + entry.length > rowBytes) {
      frame = this.#frameFor(lane, entry.length);
    }
    frame.add(this.#entries++, entry);
    this.#sizeBytes += entry.length;
  }

  #frameFor(lane: number, needBytes: number): JournalFrame {
    let frames = this.#frames.get(lane);
    if (frames === undefined) this.#frames.set(lane, (frames = []));
    let frame = frames[frames.length - 1];
    if (frame === undefined || (frame.sizeBytes + needBytes > rowBytes && !frame.isEmpty)) {
      frames.push((frame = this.#pool.take(this.#frames.size > pooledFrames ? smallFrameBytes : undefined)));
    }
    this.#lastLane = lane;
    this.#lastFrame = frame;
    return frame;
  }

  /** Calls back once a lane with the number of its rows and their bytes. */
  eachLane(visit: (lane: number, parts: number, sizeBytes: number) => void): void {
    for (const [lane, frames] of this.#frames) {
      let sizeBytes = 0;
      for (const frame of frames) sizeBytes += frame.sizeBytes;
      visit(lane, frames.length, sizeBytes);
    }
  }

  /** The rows of the group; they stay valid until {@link release}. */
  rows(): EngineOp[] {
    const ops: EngineOp[] = [];
    for (const [lane, frames] of this.#frames) {
      for (let part = 0; part < frames.length; part++) {
        ops.push({ key: journalKey(this.number, lane, part), value: frames[part]!.finish() });
      }
    }
    return ops;
  }

  /** Gives the buffers back. */
  release(): void {
    for (const frames of this.#frames.values()) for (const frame of frames) this.#pool.give(frame);
    this.#frames.clear();
    this.#lastFrame = undefined;
  }
}
