import type { Writable } from 'node:stream';
import { tableText } from './table.ts';

/** Where a command writes: results to standard output, everything else to standard error. */
export interface CommandOutput {
  /** Whether a person reads standard output. */
  readonly isTerminal: boolean;
  /** Resolves when there is room for more; a result that is awaited keeps a slow reader from filling the memory. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** One line of JSON. */
  json(value: unknown): Promise<void>;
  /** Aligned columns under a head in capitals. Cells are printed as they are, but for control characters. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): Promise<void>;
  /** A line for the person at the terminal, on standard error. */
  note(text: string): void;
  /** Shows the last of these texts on one line of standard error while it is a terminal; `done` clears it. */
  readonly progress: Progress;
}

export interface Progress {
  /** Whether anybody sees it: no need to work out a text otherwise. */
  readonly isShown: boolean;
  update(text: string): void;
  done(): void;
}

const PROGRESS_INTERVAL_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

/** @param onClosed called once when nobody reads `stdout` any more */
export function createOutput(
  stdout: Writable & { readonly isTTY?: boolean },
  stderr: Writable & { readonly isTTY?: boolean },
  onClosed: () => void,
): CommandOutput {
  let closed = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (closed) return;
    closed = true;
    if (error.code !== 'EPIPE') stderr.write(`standard output: ${error.message}\n`);
    onClosed();
  });
  // Nobody can be told when standard error is gone.
  stderr.on('error', () => {});
  const progress = createProgress(stderr);

  async function write(chunk: string | Uint8Array): Promise<void> {
    if (closed || stdout.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        stdout.off('drain', done);
        stdout.off('error', done);
        resolve();
      };
      stdout.on('drain', done);
      stdout.on('error', done);
    });
  }

  return {
    isTerminal: stdout.isTTY === true,
    write,
    json: (value) => write(`${JSON.stringify(value)}\n`),
    table: (head, rows) => write(tableText(head, rows)),
    note(text) {
      progress.done();
      stderr.write(`${text}\n`);
    },
    progress,
  };
}

function createProgress(stderr: Writable & { readonly isTTY?: boolean }): Progress {
  const isShown = stderr.isTTY === true;
  let lastMs = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    isShown,
    update(text) {
      if (!isShown || performance.now() - lastMs < PROGRESS_INTERVAL_MS) return;
      lastMs = performance.now();
      isDrawn = true;
      stderr.write(`${CLEAR_LINE}${text}`);
    },
    done() {
      if (isDrawn) stderr.write(CLEAR_LINE);
      isDrawn = false;
    },
  };
}
