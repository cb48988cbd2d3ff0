import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  addAppendFrame,
  createFrameColumns,
  encodeSessionAcks,
  type FrameColumns,
  type FrameLimits,
  FrameReader,
  finishFrames,
  type SessionAck,
} from '@opendata/wire';
import type { LogDb } from '../db.ts';
import { logProblem } from './problems.ts';

/** Bytes of requests that may wait for their acknowledgement before no more are read. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** While the log is overloaded nothing is read; it is asked again after this time, and at last refuses, ms. */
const retryMs = 20;
const patienceMs = 5000;
/** A client that goes on sending after the end of the answer is cut off after this time, ms. */
const lingerMs = 5000;

export interface SessionLimits extends FrameLimits {
  readonly maxFrameBytes: number;
}

export interface SessionOptions {
  /** The first refusal ends the session: what is taken is a beginning of what was sent. */
  readonly isOrdered: boolean;
}

type Ack = Partial<SessionAck> & { readonly frames: number };

/** Requests that were appended as one, or refused. */
interface Taken {
  ack: Ack;
  readonly bytes: number;
  /** Whether it can be acknowledged. */
  done: boolean;
}

/** Requests that lie one behind the other and are appended as one. */
interface Run {
  readonly columns: FrameColumns;
  frames: number;
  bytes: number;
  /** Requests and records before the first request that waits for durability; undefined when none does. */
  beforeDurable: { readonly frames: number; readonly records: number } | undefined;
}

/**
 * Appends that arrive on one connection, acknowledged in their order. What arrived in one turn of the event loop is one
 * append of the log, and one write of acknowledgements.
 */
export class AppendSession {
  private readonly db: LogDb;
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly limits: SessionLimits;
  private readonly isOrdered: boolean;
  private readonly reader: FrameReader;
  private readonly queue: Taken[] = [];
  private waitingBytes = 0;
  private isScheduled = false;
  private isPaused = false;
  /** The log has no room: this run is tried again. */
  private held: { readonly run: Run; readonly sinceMs: number } | undefined;
  /** What is said of the request behind the run that is held, which is wrong. */
  private wrongBehindHeld: { readonly ack: Ack; readonly isLast: boolean } | undefined;
  private inputEnded = false;
  /** Nothing is taken any more. */
  private isClosed = false;

  constructor(
    db: LogDb,
    request: IncomingMessage,
    response: ServerResponse,
    limits: SessionLimits,
    { isOrdered }: SessionOptions,
  ) {
    this.db = db;
    this.request = request;
    this.response = response;
    this.limits = limits;
    this.isOrdered = isOrdered;
    this.reader = new FrameReader(limits.maxFrameBytes);
  }

  /** Takes requests until the client ends, or leaves, or `draining` fires. */
  start(draining: AbortSignal): void {
    const { request, response } = this;
    const stop = () => this.close({ frames: 0, status: 503, message: 'the server is stopping' });
    request.on('data', (chunk: Buffer) => {
      if (this.isClosed) return;
      this.reader.push(chunk);
      this.schedule();
    });
    request.on('end', () => {
      this.inputEnded = true;
      this.schedule();
    });
    response.on('drain', () => this.throttle());
    response.on('close', () => {
      this.isClosed = true;
      draining.removeEventListener('abort', stop);
      if (!request.complete) setTimeout(() => request.complete || request.destroy(), lingerMs).unref();
    });
    if (draining.aborted) stop();
    else draining.addEventListener('abort', stop);
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => this.take());
  }

  private take(): void {
    this.isScheduled = false;
    if (this.isClosed || this.held !== undefined) return;
    try {
      const more = this.takeRun();
      if (more) this.schedule();
      else if (this.inputEnded && this.held === undefined) this.endOfInput();
    } catch (error) {
      this.refuse({ frames: 1, ...problemOf(error) }, true);
    }
    this.acknowledge();
  }

  /** Appends what has arrived, up to a request that is wrong; returns whether there may be more. @throws WireError framing */
  private takeRun(): boolean {
    const { reader, limits } = this;
    let run: Run | undefined;
    while (this.nextFrame(run)) {
      run ??= { columns: createFrameColumns(reader.bytes), frames: 0, bytes: 0, beforeDurable: undefined };
      const bytes = reader.end - reader.start;
      try {
        const before = { frames: run.frames, records: run.columns.count };
        if (addAppendFrame(run.columns, reader.start, reader.end, limits)) run.beforeDurable ??= before;
      } catch (error) {
        this.append(run);
        this.refuse({ frames: 1, ...problemOf(error) }, this.isOrdered);
        return !this.isOrdered;
      }
      run.frames++;
      run.bytes += bytes;
      if (run.columns.count >= limits.maxRecords) {
        this.append(run);
        return true;
      }
    }
    if (run !== undefined) this.append(run);
    return false;
  }

  /** Steps to the next request. Where the stream is broken, what came before is still appended. @throws WireError */
  private nextFrame(run: Run | undefined): boolean {
    try {
      return this.reader.next();
    } catch (error) {
      if (run !== undefined) this.append(run);
      throw error;
    }
  }

  private append(run: Run): void {
    const { frames, bytes, beforeDurable } = run;
    if (frames === 0) return;
    try {
      const appended = this.db.appendColumns(finishFrames(run.columns));
      const { startSequence, count } = appended;
      this.held = undefined;
      this.waitingBytes += bytes;
      const early = beforeDurable ?? { frames, records: count };
      const rest = { frames: frames - early.frames, records: count - early.records };
      if (early.frames > 0) {
        const ack = { frames: early.frames, startSequence, recordsAppended: early.records };
        this.enqueue(ack, rest.frames > 0 ? 0 : bytes, this.db.acknowledged(appended, false));
      }
      if (rest.frames > 0) {
        const ack = {
          frames: rest.frames,
          startSequence: startSequence + early.records,
          recordsAppended: rest.records,
        };
        this.enqueue(ack, bytes, this.db.acknowledged(appended, true));
      }
    } catch (error) {
      const { status, message } = problemOf(error);
      const sinceMs = this.held?.sinceMs ?? performance.now();
      if (status === 429 && performance.now() - sinceMs < patienceMs) this.hold(run, sinceMs);
      else this.close({ frames, status, message });
    }
  }

  /** @param pending what to wait for before `ack` is due; `ack` is an error when it fails */
  private enqueue(ack: Ack, bytes: number, pending: Promise<void> | undefined): void {
    const taken: Taken = { ack, bytes, done: pending === undefined };
    this.queue.push(taken);
    pending?.then(
      () => {
        taken.done = true;
        this.acknowledge();
      },
      (error: unknown) => {
        const { status, message } = problemOf(error);
        taken.ack = { frames: ack.frames, status, message };
        taken.done = true;
        this.close({ frames: 0, status, message });
      },
    );
  }

  private hold(run: Run, sinceMs: number): void {
    this.held = { run, sinceMs };
    setTimeout(() => {
      if (this.isClosed) return;
      this.append(run);
      if (this.held === undefined) {
        const wrong = this.wrongBehindHeld;
        this.wrongBehindHeld = undefined;
        if (wrong !== undefined && !this.isClosed) this.refuse(wrong.ack, wrong.isLast);
        this.schedule();
      }
      this.acknowledge();
    }, retryMs);
  }

  /** The request behind those that were taken is wrong; that is said in its turn. */
  private refuse(ack: Ack, isLast: boolean): void {
    if (this.held !== undefined) this.wrongBehindHeld = { ack, isLast };
    else if (isLast) this.close(ack);
    else this.queue.push({ ack, bytes: 0, done: true });
  }

  private endOfInput(): void {
    if (this.reader.pendingBytes > 0) {
      this.close({ frames: 1, status: 400, message: 'the stream ends within a request' });
      return;
    }
    this.isClosed = true;
  }

  /** Says that nothing sent after what was acknowledged is taken. */
  private close(ack: Ack): void {
    if (!this.isClosed || !this.queue.at(-1)?.ack.closed) {
      this.queue.push({ ack: { ...ack, closed: true }, bytes: 0, done: true });
    }
    this.isClosed = true;
    this.held = undefined;
    this.acknowledge();
  }

  /** Sends the acknowledgements that are due. */
  private acknowledge(): void {
    const { response, queue } = this;
    if (response.destroyed || response.writableEnded) return;
    const acks: Ack[] = [];
    while (queue[0]?.done === true) {
      const { ack, bytes } = queue.shift()!;
      acks.push(ack);
      this.waitingBytes -= bytes;
    }
    if (acks.length > 0) response.write(encodeSessionAcks(acks));
    if (this.isClosed && queue.length === 0) response.end();
    this.throttle();
  }

  /** Reads no more while too much is waiting; after the end what still arrives is thrown away. */
  private throttle(): void {
    const isTooMuch =
      this.waitingBytes > maxWaitingBytes || this.held !== undefined || this.response.writableNeedDrain === true;
    const pause = isTooMuch && !this.isClosed;
    if (pause === this.isPaused) return;
    this.isPaused = pause;
    if (pause) this.request.pause();
    else this.request.resume();
  }
}

function problemOf(error: unknown): { readonly status: number; readonly message: string } {
  return logProblem(error) ?? { status: 500, message: 'internal server error' };
}
