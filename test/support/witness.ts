import type { Load } from './load.ts';
import type { ServerProcess } from './server-process.ts';

export interface LoadOptions {
  readonly clients: number;
  /** Where the next request goes; asked for every request. */
  readonly url: () => string;
  /** Ask for an acknowledgement that means durable (the log; the time series database is configured). Default true. */
  readonly durable?: boolean;
}

/** Remembers what a server acknowledged, and compares it with what a server has. */
export interface Witness {
  /** Number of acknowledged requests. */
  readonly acknowledged: number;
  startLoad(options: LoadOptions): Load;
  /**
   * Every acknowledged record or sample is there, with its value, none is doubled, and nothing is there that was never
   * sent. @throws an assertion error
   */
  verify(server: Pick<ServerProcess, 'url'>): Promise<void>;
}
