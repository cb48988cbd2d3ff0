import type { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';

/**
 * The body of an answer whose length is not known, written to a connection. A piece is taken once the system has the one
 * before it. What destroys it with an error breaks the connection off.
 * @param end writes what follows the last piece
 */
export function createChunkedBody(socket: Socket, end: () => void): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      if (piece.length === 0) {
        done();
        return;
      }
      socket.cork();
      socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
      socket.write(piece);
      socket.write('\r\n', 'latin1', (error) => done(error));
      socket.uncork();
    },
    final(done) {
      end();
      done();
    },
    destroy(error, done) {
      if (error !== null) socket.destroy();
      done(error);
    },
  });
}
