import { LRUCache } from 'lru-cache';
import type { EngineReader } from './engine.ts';
import { pageOfKey, pageRange } from './keys.ts';
import { decodePlace, type ValuePlace } from './row-files.ts';

/** Places of so many pages of a block are looked up at once, and kept together: 7 KiB. */
const pagesAtOnce = 512;
const mostKept = 2048;

interface Run {
  readonly tokens: string[];
  /** Index into `tokens`, one more; 0 where the page's row has its value itself or is not there. */
  readonly token: Uint16Array;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  /** Pages of which there is a row. */
  rows: number;
}

/** Where pages are in files: with that, reading one asks the engine nothing. */
export class PagePlaces {
  readonly #engine: EngineReader;
  readonly #runs = new LRUCache<string, Run>({ max: mostKept });

  constructor(engine: EngineReader) {
    this.#engine = engine;
  }

  /** Undefined where the page's row has its value itself, or is not there. */
  async find(block: number, page: number): Promise<ValuePlace | undefined> {
    const first = page - (page % pagesAtOnce);
    const name = `${block}/${first}`;
    let run = this.#runs.get(name);
    // A block that is being written has more pages each time.
    if (run === undefined || run.rows <= page - first) {
      run = await this.#load(block, first);
      this.#runs.set(name, run);
    }
    const index = page - first;
    const token = run.tokens[run.token[index]! - 1];
    if (token === undefined) return undefined;
    return { owner: `block-${block}`, token, offset: run.offsets[index]!, length: run.lengths[index]! };
  }

  async #load(block: number, first: number): Promise<Run> {
    const run: Run = {
      tokens: [],
      token: new Uint16Array(pagesAtOnce),
      offsets: new Float64Array(pagesAtOnce),
      lengths: new Uint32Array(pagesAtOnce),
      rows: 0,
    };
    const range = pageRange(block, first, first + pagesAtOnce);
    for await (const { key, value } of this.#engine.scan(range, { keysOnly: true })) {
      const index = pageOfKey(key) - first;
      run.rows = index + 1;
      const place = decodePlace(`block-${block}`, value);
      if (place === undefined) continue;
      let token = run.tokens.indexOf(place.token);
      if (token < 0) token = run.tokens.push(place.token) - 1;
      run.token[index] = token + 1;
      run.offsets[index] = place.offset;
      run.lengths[index] = place.length;
    }
    return run;
  }
}
