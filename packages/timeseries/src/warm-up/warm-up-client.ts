import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client of a server on this machine, with one connection: it asks one thing after the other. */
export class WarmUpClient {
  readonly #socket: Socket;
  #received = '';
  #onReceived: (error?: Error) => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#onReceived();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#onReceived(new Error('the connection was closed')));
  }

  static async connect(port: number, host: string): Promise<WarmUpClient> {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new WarmUpClient(socket);
  }

  /** Asks, and resolves to the whole answer as it was sent. */
  get(path: string): Promise<string> {
    this.#received = '';
    return new Promise((resolve, reject) => {
      this.#onReceived = (error) => {
        if (error !== undefined) reject(error);
        else if (isWhole(this.#received)) resolve(this.#received);
      };
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

function isWhole(answer: string): boolean {
  const bodyStart = answer.indexOf('\r\n\r\n') + 4;
  if (bodyStart < 4) return false;
  const head = answer.slice(0, bodyStart);
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
  return length === undefined ? answer.endsWith('\r\n0\r\n\r\n') : answer.length - bodyStart >= Number(length);
}
