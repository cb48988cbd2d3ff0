import { connect, type Socket } from 'node:net';
import type { HttpServer } from './http-server.ts';

/** A server that can be asked whether it has done all that it will do with what was sent. */
export interface ObservedServer {
  readonly port: number;
  readonly http: HttpServer;
  /** Handlers that have not answered. */
  readonly active: () => number;
}

/** Turns of the event loop without any change after which nothing more is expected. */
const QUIET_TURNS = 4;
const HANG_MS = 60_000;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A raw client of an observed server; it and the server must be in one process. */
export class Conversation {
  readonly #observed: ObservedServer;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #closed: Promise<void>;
  #sentBytes = 0;
  #isClosed = false;

  private constructor(observed: ObservedServer, client: Socket, server: Socket) {
    this.#observed = observed;
    this.#client = client;
    this.#server = server;
    client.on('data', (chunk) => this.#chunks.push(chunk));
    client.on('error', () => undefined);
    this.#closed = new Promise((resolve) => {
      client.once('close', () => {
        this.#isClosed = true;
        resolve();
      });
    });
  }

  static async open(observed: ObservedServer): Promise<Conversation> {
    const accepted = new Promise<Socket>((resolve) => observed.http.app.server.once('connection', resolve));
    const client = connect({ port: observed.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    return new Conversation(observed, client, await accepted);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends bytes and lets one turn of the event loop pass. */
  async send(bytes: Buffer): Promise<void> {
    if (this.#isClosed) return;
    this.#client.write(bytes);
    this.#sentBytes += bytes.length;
    await turn();
  }

  /** Returns once the server has read everything, every handler has answered and the answers have arrived. */
  async settle(): Promise<void> {
    const startMs = performance.now();
    let quiet = 0;
    for (let answered = -1; quiet < QUIET_TURNS; ) {
      await turn();
      const isRead = this.#isClosed || this.#server.destroyed || this.#server.bytesRead === this.#sentBytes;
      const isIdle = isRead && this.#observed.active() === 0 && this.#client.bytesRead === answered;
      answered = this.#server.bytesWritten;
      quiet = isIdle || this.#isClosed ? quiet + 1 : 0;
      if (performance.now() - startMs > HANG_MS) throw new Error('the server does not settle');
    }
  }

  /** Says that no more comes; all that has come back once the server has closed too. */
  async end(): Promise<string> {
    this.#client.end();
    const timer = setTimeout(() => this.#client.destroy(new Error('hang')), HANG_MS);
    let failure: Error | undefined;
    this.#client.on('error', (error) => (failure = error));
    await this.#closed;
    clearTimeout(timer);
    if (failure?.message === 'hang') throw new Error(`the server does not close: ${this.received()}`);
    return this.received();
  }

  /** Breaks the connection off. */
  reset(): void {
    this.#client.resetAndDestroy();
  }

  received(): string {
    return Buffer.concat(this.#chunks).toString('latin1');
  }
}

/**
 * Status and body of every answer up to the one that closes the connection; what differs on purpose, the order and case
 * of headers and the text about bytes that are no request, is left out.
 */
export function answersIn(text: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < text.length; ) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd < 0) return [...found, text.slice(at)];
    const head = text.slice(at, headEnd);
    const status = head.split('\r\n', 1)[0]!;
    if (status.startsWith('HTTP/1.1 400')) return [...found, 'HTTP/1.1 400'];
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const connection = /\r\nconnection: (\S+)/i.exec(head)?.[1] ?? '';
    at = headEnd + 4 + length;
    found.push(`${status} ${connection} ${text.slice(headEnd + 4, at)}`);
    if (connection === 'close') return found;
  }
  return found;
}
