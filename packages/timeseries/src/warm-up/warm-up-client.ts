import { Duplex } from 'node:stream';
import type { HttpServer } from '@opendata/server';

/** A client without a network: it hands its requests to a server that need not listen. */
export class WarmUpClient {
  readonly #socket: Duplex;
  #received: Buffer[] = [];
  #onReceived: () => void = () => undefined;

  constructor({ app }: HttpServer) {
    this.#socket = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        this.#received.push(chunk);
        done();
        this.#onReceived();
      },
    });
    app.server.emit('connection', this.#socket);
  }

  /** Asks, and resolves to the whole answer as it was sent, which has to have a length. */
  async get(path: string): Promise<string> {
    this.#received = [];
    const answered = new Promise<string>((resolve) => {
      this.#onReceived = () => {
        const answer = Buffer.concat(this.#received).toString('latin1');
        if (isWhole(answer)) resolve(answer);
      };
    });
    this.#socket.push(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    return await answered;
  }

  close(): void {
    this.#socket.destroy();
  }
}

function isWhole(answer: string): boolean {
  const bodyStart = answer.indexOf('\r\n\r\n') + 4;
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(answer)?.[1];
  return bodyStart >= 4 && answer.length - bodyStart >= Number(length ?? 0);
}
