import { availableMemoryBytes } from '../process/available-memory.ts';
import { HttpError } from './problem.ts';

/** When to come again, s: bodies are answered within about that time. */
const RETRY_AFTER_SECONDS = 1;

/** So much of every body is free: small requests are answered whatever others send. */
const FREE_BYTES = 64 * 1024;

/** How many bytes of a body count. */
export function countedBytes(bodyBytes: number): number {
  return Math.max(0, bodyBytes - FREE_BYTES);
}

/**
 * What the bodies of all requests that are being read or handled take in memory beyond their first 64 KiB, with a bound. A
 * body that is alone always has room, up to the limit of its route, so that something goes on whatever the bound is.
 */
export class BodyMemory {
  readonly limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes = defaultBodyMemoryBytes()) {
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Takes room for the next bytes of a body.
   * @param heldBytes what the same body has already
   * @returns false where there is none, because of others
   */
  take(bytes: number, heldBytes: number): boolean {
    if (this.#usedBytes + bytes > this.limitBytes && this.#usedBytes > heldBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  /** The answer of a request for whose body there is no room. */
  refusal(): HttpError {
    return new HttpError(
      503,
      `the request bodies that are being handled have ${this.limitBytes} bytes already (http.body_memory_limit): come again`,
      { code: 'unavailable', retryAfterSeconds: RETRY_AFTER_SECONDS },
    );
  }
}

const LEAST_BYTES = 64 * 1024 * 1024;
const MEMORY_SHARE = 1 / 8;

/** An eighth of the memory of the machine or container, 64 MiB at least; bytes. */
export function defaultBodyMemoryBytes(): number {
  return Math.max(LEAST_BYTES, Math.floor(availableMemoryBytes() * MEMORY_SHARE));
}
