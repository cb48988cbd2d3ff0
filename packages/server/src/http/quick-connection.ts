import { Buffer } from 'node:buffer';
import { getEventListeners } from 'node:events';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { countedBytes } from './body-memory.ts';
import { createChunkedBody } from './chunked-body.ts';
import {
  endOfHead,
  type HeadPattern,
  headPattern,
  parseQuickHead,
  type QuickHead,
  readAsPattern,
} from './quick-head.ts';
import type { QuickLane } from './quick-lane.ts';
import { headerLines, type PreparedRoute, type QuickExchange, type QuickMatch } from './quick-routes.ts';
import { stoppingError } from './request-signal.ts';
import { HEAD_MS, KEEP_ALIVE_MS } from './time-limits.ts';
import { CLIENT_CLOSED_REQUEST } from './tracked-response.ts';
import { discardBytes } from './used-bytes.ts';

/** Nobody gets more room than this because of what a header says. */
const trustedLengthBytes = 1024 * 1024;
/**
 * A controller that nobody listens to any more serves so many requests of a connection: to make one with its signal is a
 * tenth of a small query. Not all requests, as a signal remembers those that were combined with it.
 */
const requestsOfController = 256;
/** Answers up to this length go out with their head in one piece. */
const shortBodyBytes = 16 * 1024;
const keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1000}`;
const noBytes: Buffer = Buffer.alloc(0);

/** A connection in the quick lane: one request after the other, each answered before the next is looked at. */
export class QuickConnection implements QuickExchange {
  readonly #lane: QuickLane;
  readonly #socket: Socket;
  readonly #onData = (chunk: Buffer): void => this.#receive(chunk);
  readonly #onPush = (chunk: Buffer | null): boolean => this.#push(chunk);
  readonly #onEnd = (): void => this.#halfClosed();
  readonly #onClose = (): void => this.#closed();
  readonly #onError = (): void => undefined;
  readonly #onFlushed = (): void => this.#flushed();
  #deadlineMs = performance.now() + HEAD_MS;
  /** The head read last, as text and as what it says: most clients repeat it. */
  #headText = '';
  #head: QuickHead | undefined;
  #pattern: HeadPattern | undefined;
  #match: QuickMatch | undefined;
  /** The route of the request that is read or handled; undefined between requests. */
  #route: PreparedRoute | undefined;
  #startMs = 0;
  #requests = 0;
  /** No further request is looked at: one is handled, its answer is not with the system yet, or it was the last. */
  #handling = false;
  /** The status of an answer that is given but not sent as a whole; 0 otherwise. */
  #sending = 0;
  #last = false;
  /** Of the request that is handled, where it was asked for. */
  #controller: AbortController | undefined;
  /** For the next request that asks. */
  #idleController: AbortController | undefined;
  /** The body that is sent, where it has no known length, until its end. */
  #stream: Writable | undefined;
  #receiving = false;
  /** The body as far as it has come, where it did not come with its head. */
  #body: Buffer | undefined;
  #bodyBytes = 0;
  /** What of it counts as memory. */
  #heldBytes = 0;
  /** There is no room for the body: the rest of it is thrown away. */
  #isRefused = false;
  /** What came while a request was handled. */
  #held = noBytes;
  #ended = false;

  constructor(lane: QuickLane, socket: Socket) {
    this.#lane = lane;
    this.#socket = socket;
    socket.push = this.#onPush;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onClose);
    socket.on('error', this.#onError);
  }

  get controller(): AbortController {
    if (this.#controller === undefined) {
      this.#controller = this.#idleController ?? new AbortController();
      this.#idleController = undefined;
      if (this.#socket.destroyed || this.#route === undefined) this.#controller.abort();
    }
    return this.#controller;
  }

  answer(contentType: string, body: string): void {
    this.#respond(200, `200 OK\r\nContent-Type: ${contentType}`, body, false);
  }

  answerBytes(body: Buffer, headers: Readonly<Record<string, string>>): void {
    const head = `200 OK${headerLines(headers)}`;
    this.#respond(200, head, body.length <= shortBodyBytes ? body.toString('latin1') : body, false);
  }

  answerStream(headers: Readonly<Record<string, string>>): Writable {
    const socket = this.#socket;
    const body = createChunkedBody(socket, () => {
      this.#stream = undefined;
      socket.write('0\r\n\r\n', 'latin1', this.#onFlushed);
      this.#written();
    });
    const head = this.#begin(200, `200 OK${headerLines(headers)}`, false);
    if (head === undefined) body.destroy();
    else {
      this.#stream = body;
      socket.write(`${head}\r\nTransfer-Encoding: chunked\r\n\r\n`, 'latin1');
    }
    return body;
  }

  answerEmpty(headers: Readonly<Record<string, string>> = {}): void {
    this.#respond(204, `204 No Content${headerLines(headers)}`, undefined, false);
  }

  /** Whether a request is read or handled. */
  get isBusy(): boolean {
    return this.#route !== undefined;
  }

  /** Ends the work of the present request. Returns whether that can be done. */
  callOff(): boolean {
    if (this.#route === undefined || this.#controller === undefined) return false;
    this.#controller.abort(stoppingError());
    return true;
  }

  closeIfIdle(): void {
    if (this.#route === undefined) this.#socket.destroy();
  }

  closeIfExpired(nowMs: number): void {
    if (nowMs < this.#deadlineMs || this.#handling) return;
    if (this.#route !== undefined) this.#refuse(408, 'timeout', 'the request did not arrive in time');
    else if (this.#requests > 0) this.#socket.destroy();
    else {
      this.#release();
      this.#lane.timeOut(this, this.#socket);
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /**
   * What the system has read goes past the stream as long as that would only pass it on: its books on each piece cost as
   * much as those of a small request.
   */
  #push(chunk: Buffer | null): boolean {
    const socket = this.#socket;
    if (chunk === null || socket.readableFlowing !== true || socket.readableLength > 0) {
      return Readable.prototype.push.call(socket, chunk);
    }
    this.#receive(chunk);
    return true;
  }

  #receive(chunk: Buffer): void {
    if (this.#handling) {
      this.#hold(chunk);
      return;
    }
    this.#receiving = true;
    let rest: Buffer | undefined = chunk;
    while (rest !== undefined && rest.length > 0 && !this.#handling) {
      rest = this.#isInBody() ? this.#readBody(rest) : this.#readRequest(rest);
    }
    this.#receiving = false;
    if (rest === undefined) return;
    if (rest.length > 0) this.#hold(rest);
    else discardBytes(chunk);
  }

  #hold(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#socket.pause();
  }

  /** Takes a request from the start of `bytes`; what is behind it, or undefined when the connection is the parser's. */
  #readRequest(bytes: Buffer): Buffer | undefined {
    const lane = this.#lane;
    const headEnd = endOfHead(bytes);
    const match = headEnd < 0 ? undefined : this.#parseHead(bytes.toString('latin1', 0, headEnd));
    const head = this.#head!;
    if (match === undefined || head.contentLength > (match.prepared.route.bodyLimitBytes ?? lane.bodyLimitBytes)) {
      this.#handOver(bytes);
      return undefined;
    }
    this.#route = match.prepared;
    this.#startMs = performance.now();
    this.#deadlineMs = this.#startMs + lane.requestTimeoutMs;
    lane.tracker.metrics.inFlight.inc();
    const bodyEnd = headEnd + head.contentLength;
    if (bodyEnd > bytes.length) {
      this.#body = lane.buffers.take(Math.min(head.contentLength, trustedLengthBytes));
      return this.#readBody(bytes.subarray(headEnd));
    }
    this.#handle(bytes.subarray(headEnd, bodyEnd));
    return bytes.subarray(bodyEnd);
  }

  #isInBody(): boolean {
    return this.#body !== undefined || this.#isRefused;
  }

  /** Where a request with this head goes; undefined where that is not to the lane. */
  #parseHead(text: string): QuickMatch | undefined {
    if (text === this.#headText) return this.#match;
    this.#headText = text;
    const head = this.#pattern && readAsPattern(text, this.#pattern);
    if (head !== undefined) {
      this.#head = head;
      return this.#match;
    }
    this.#head = parseQuickHead(text);
    this.#match = this.#head && this.#lane.routes.find(this.#head);
    this.#pattern = this.#match && headPattern(text, this.#head!);
    return this.#match;
  }

  #readBody(bytes: Buffer): Buffer {
    const { contentLength } = this.#head!;
    const taken = Math.min(bytes.length, contentLength - this.#bodyBytes);
    if (!this.#isRefused) this.#addToBody(bytes.subarray(0, taken));
    this.#bodyBytes += taken;
    if (this.#bodyBytes === contentLength) this.#finishBody();
    return bytes.subarray(taken);
  }

  #addToBody(bytes: Buffer): void {
    const { buffers, memory } = this.#lane;
    const needBytes = this.#bodyBytes + bytes.length;
    const moreBytes = countedBytes(needBytes) - this.#heldBytes;
    if (!memory.take(moreBytes, this.#heldBytes)) {
      this.#releaseBody();
      this.#isRefused = true;
      return;
    }
    this.#heldBytes += moreBytes;
    if (needBytes > this.#body!.length) this.#body = buffers.grow(this.#body!, this.#bodyBytes, needBytes);
    bytes.copy(this.#body!, this.#bodyBytes);
  }

  #finishBody(): void {
    const body = this.#body!;
    const bodyBytes = this.#bodyBytes;
    this.#bodyBytes = 0;
    if (this.#isRefused) {
      this.#isRefused = false;
      this.#handling = true;
      this.#requests++;
      this.#fail(this.#lane.memory.refusal());
      return;
    }
    const heldBytes = this.#heldBytes;
    this.#body = undefined;
    this.#heldBytes = 0;
    this.#handle(body.subarray(0, bodyBytes));
    this.#lane.buffers.give(body);
    this.#lane.memory.give(heldBytes);
  }

  #releaseBody(): void {
    if (this.#body !== undefined) this.#lane.buffers.give(this.#body);
    this.#body = undefined;
    this.#lane.memory.give(this.#heldBytes);
    this.#heldBytes = 0;
  }

  #handle(body: Buffer): void {
    this.#handling = true;
    const request = ++this.#requests;
    const fail = (error: unknown): void => {
      if (request === this.#requests) this.#fail(error);
    };
    try {
      this.#route!.route.handle(this.#head!, body, this, this.#match!.parameter)?.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#stream !== undefined) {
      this.#socket.destroy();
      return;
    }
    const head = this.#head!;
    const headers = { 'content-type': head.contentType, accept: head.accept };
    const { status, ...answer } = this.#lane.errors.forError(error, { method: head.method, url: head.path, headers });
    this.#respondError(status, answer, false);
  }

  /** A request that is not there as a whole. */
  #refuse(status: number, reason: string, message: string): void {
    this.#lane.tracker.metrics.malformed.labels(reason).inc();
    const request = { method: 'POST', url: this.#head!.path, headers: {} };
    this.#respondError(status, this.#lane.errors.forProblem({ status, message }, request), true);
  }

  #respondError(
    status: number,
    answer: { headers: Record<string, string>; contentType: string; body: string | Buffer },
    closes: boolean,
  ): void {
    const line = `${status} ${STATUS_CODES[status] ?? 'Error'}`;
    const head = `${line}\r\nContent-Type: ${answer.contentType}${headerLines(answer.headers)}`;
    this.#respond(status, head, Buffer.from(answer.body).toString('latin1'), closes);
  }

  #respond(status: number, head: string, body: string | Buffer | undefined, closes: boolean): void {
    const begun = this.#begin(status, head, closes);
    if (begun === undefined) return;
    const socket = this.#socket;
    const text = `${begun}${body === undefined ? '' : `\r\nContent-Length: ${body.length}`}\r\n\r\n`;
    if (typeof body === 'object') {
      socket.cork();
      socket.write(text, 'latin1');
      socket.write(body, this.#onFlushed);
      socket.uncork();
    } else socket.write(body === undefined ? text : text + body, 'latin1', this.#onFlushed);
    this.#written();
  }

  /** The head of an answer but for what it says of its body; undefined where nobody waits for one. */
  #begin(status: number, head: string, closes: boolean): string | undefined {
    if (this.#route === undefined || this.#sending !== 0) return undefined;
    const lane = this.#lane;
    // While bytes are looked at, there may be another request behind this one.
    const isEnd = this.#ended && !this.#receiving && this.#held.length === 0;
    const last = closes || lane.tracker.draining || isEnd;
    const connection = last ? 'Connection: close' : keepAlive;
    this.#handling = true;
    this.#last = last;
    this.#sending = status;
    return `HTTP/1.1 ${head}${this.#route.headerLines}\r\nDate: ${lane.date()}\r\n${connection}`;
  }

  /** All of an answer is given to the socket. */
  #written(): void {
    if (this.#last) this.#socket.destroySoon();
    if (this.#socket.writableLength === 0) this.#flushed();
  }

  /** The answer is with the system: at once, or once a client that does not read has read the ones before. */
  #flushed(): void {
    if (this.#sending === 0 || this.#stream !== undefined) return;
    if (this.#socket.writableLength > 0 || this.#socket.destroyed) return;
    this.#record(this.#sending);
    if (!this.#last) this.#next();
  }

  #record(status: number): void {
    const { tracker } = this.#lane;
    const nowMs = performance.now();
    this.#route!.endpoint.record(this.#head!.method, status, (nowMs - this.#startMs) / 1000);
    this.#route = undefined;
    this.#releaseController();
    this.#stream = undefined;
    this.#sending = 0;
    this.#deadlineMs = nowMs + KEEP_ALIVE_MS;
    this.#releaseBody();
    this.#bodyBytes = 0;
    this.#isRefused = false;
    tracker.metrics.inFlight.dec();
    tracker.onClosed?.();
  }

  #releaseController(): void {
    const controller = this.#controller;
    if (controller === undefined) return;
    this.#controller = undefined;
    const isUsable = this.#requests % requestsOfController !== 0 && !controller.signal.aborted;
    if (isUsable && getEventListeners(controller.signal, 'abort').length === 0) this.#idleController = controller;
  }

  /** The present request is answered. */
  #next(): void {
    this.#handling = false;
    if (this.#receiving) return;
    const held = this.#held;
    if (held.length > 0) {
      this.#held = noBytes;
      this.#socket.resume();
      this.#receive(held);
    }
    if (this.#ended) this.#halfClosed();
  }

  /** The client sends no more. */
  #halfClosed(): void {
    this.#ended = true;
    // Who waits for a query and closes its side has left; so it is for the parser.
    if (this.#controller !== undefined && this.#sending === 0) this.#socket.destroy();
    if (this.#handling || this.#held.length > 0) return;
    if (!this.#isInBody()) this.#socket.end();
    else this.#refuse(400, 'malformed', 'the request body ended early');
  }

  #closed(): void {
    this.#lane.forget(this);
    const [controller, stream] = [this.#controller, this.#stream];
    if (this.#route !== undefined) this.#record(this.#sending || CLIENT_CLOSED_REQUEST);
    controller?.abort();
    stream?.destroy();
  }

  #handOver(bytes: Buffer): void {
    // The parser, too, has no answer for what it has not answered when a client closes its side.
    if (this.#ended) return;
    this.#release();
    this.#lane.handOver(this, this.#socket, bytes);
  }

  #release(): void {
    const socket = this.#socket;
    socket.push = Readable.prototype.push;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('close', this.#onClose);
    socket.off('error', this.#onError);
  }
}
