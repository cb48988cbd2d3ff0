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
  /** Made up of what was written: a page that is not in it may have a row nevertheless. */
  readonly isLearned: boolean;
}

/** Where pages are in files: with that, reading one asks the engine nothing. */
export class PagePlaces {
  readonly #engine: EngineReader;
  readonly #runs = new LRUCache<string, Run>({ max: mostKept });
  readonly #loading = new Map<string, Promise<Run>>();

  constructor(engine: EngineReader) {
    this.#engine = engine;
  }

  /** Undefined where the page's row has its value itself, or is not there. */
  async find(block: number, page: number): Promise<ValuePlace | undefined> {
    const first = page - (page % pagesAtOnce);
    const name = `${block}/${first}`;
    const index = page - first;
    let run = this.#runs.get(name);
    // A block that is being written has more pages each time.
    if (run === undefined || run.rows <= index || (run.isLearned && run.token[index] === 0)) {
      run = await this.#loadOnce(name, block, first);
    }
    const token = run.tokens[run.token[index]! - 1];
    if (token === undefined) return undefined;
    return { owner: `block-${block}`, token, offset: run.offsets[index]!, length: run.lengths[index]! };
  }

  /** A page was written: whoever reads it need not look for its row, which costs as much for it as for a run of pages. */
  learn(block: number, page: number, place: ValuePlace): void {
    const first = page - (page % pagesAtOnce);
    const name = `${block}/${first}`;
    let run = this.#runs.get(name);
    if (run === undefined) this.#runs.set(name, (run = emptyRun(true)));
    setPlace(run, page - first, place);
  }

  #loadOnce(name: string, block: number, first: number): Promise<Run> {
    let loading = this.#loading.get(name);
    if (loading === undefined) {
      loading = this.#load(block, first).finally(() => this.#loading.delete(name));
      this.#loading.set(name, loading);
    }
    return loading;
  }

  async #load(block: number, first: number): Promise<Run> {
    const run = emptyRun(false);
    const range = pageRange(block, first, first + pagesAtOnce);
    for await (const { key, value } of this.#engine.scan(range, { keysOnly: true })) {
      const index = pageOfKey(key) - first;
      run.rows = index + 1;
      const place = decodePlace(`block-${block}`, value);
      if (place !== undefined) setPlace(run, index, place);
    }
    this.#runs.set(`${block}/${first}`, run);
    return run;
  }
}

function emptyRun(isLearned: boolean): Run {
  return {
    tokens: [],
    token: new Uint16Array(pagesAtOnce),
    offsets: new Float64Array(pagesAtOnce),
    lengths: new Uint32Array(pagesAtOnce),
    rows: 0,
    isLearned,
  };
}

function setPlace(run: Run, index: number, { token, offset, length }: ValuePlace): void {
  let number = run.tokens.indexOf(token);
  if (number < 0) number = run.tokens.push(token) - 1;
  run.token[index] = number + 1;
  run.offsets[index] = offset;
  run.lengths[index] = length;
  run.rows = Math.max(run.rows, index + 1);
}
