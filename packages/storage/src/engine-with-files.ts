import type { Engine, EngineOp, EngineReader, EngineRow, EngineWriteOptions, KeyRange, ScanOptions } from './engine.ts';
import { StorageError } from './errors.ts';
import { blockOfPageKey, fileOwnerOfKey, isPageKey, pageKey, pageOfKey } from './keys.ts';
import { PagePlaces } from './page-places.ts';
import {
  decodePlace,
  encodePlace,
  type FileOwner,
  type RowFileReader,
  type RowFiles,
  type ValuePlace,
} from './row-files.ts';

/** Journal rows of this size are kept in a file; smaller ones cost the engine less than a file would. Pages always are. */
const largeRowBytes = 16 * 1024;
const defaultReadAheadBytes = 1024 * 1024;
const mostAhead = 64;
const noBytes = new Uint8Array(0);

interface LocatedRow {
  readonly row: EngineRow;
  /** Undefined where the row has its value itself. */
  readonly place: ValuePlace | undefined;
}

/** An engine on a folder whose journal rows from a size on, and all pages, are in files beside it. */
export function engineWithFiles(engine: Engine, files: RowFiles, fromBytes = largeRowBytes): Engine {
  const places = new PagePlaces(engine);
  /** Rows whose values are in files already. */
  const stowed = new WeakSet<EngineOp>();
  const target: Target = { files, places, stowed };
  let underWay = 0;
  /** Why the last write failed that was not repeated. */
  let failed: { readonly reason: unknown } | undefined;
  /** Settles when the batch before was handed to the engine, whose order is that of its calls. */
  let last: Promise<unknown> | undefined;

  const handOver = async (
    rows: readonly EngineOp[] | Promise<readonly EngineOp[]>,
    before: Promise<unknown> | undefined,
    options: EngineWriteOptions | undefined,
  ): Promise<{ readonly durable: Promise<void> }> => {
    const stored = await rows;
    await before;
    return { durable: engine.write(stored, options) };
  };

  return {
    ...readerWithFiles(engine, files, 'corrupt', places),
    overlaps: engine.overlaps ?? false,
    write: async (ops, options) => {
      if (options?.repeats === true) failed = undefined;
      if (failed !== undefined) throw failed.reason;
      const handedOver = handOver(store(target, ops, fromBytes), last, options);
      last = handedOver;
      underWay++;
      try {
        await (await handedOver).durable;
      } catch (reason) {
        failed = { reason };
        throw reason;
      } finally {
        if (--underWay === 0) last = undefined;
      }
    },
    // With fsync every write waits for the disk: those of a turn then share one.
    ...(files.fsync ? {} : { stow: (op) => stow(target, op) }),
    close: async (options) => {
      await engine.close(options);
      await files.close();
    },
  };
}

/** The same for reading, also beside a writer; `missing` is what a journal row without its value means. */
export function readerWithFiles(
  engine: EngineReader,
  files: RowFileReader,
  missing: 'corrupt' | 'unavailable',
  places = new PagePlaces(engine),
): EngineReader {
  const getPage = async (key: Uint8Array): Promise<Uint8Array | undefined> => {
    const place = await places.find(blockOfPageKey(key), pageOfKey(key));
    return place === undefined ? engine.get(key) : files.read(place);
  };

  /** Rows of the range, each with the place of its value; without their own values where the engine need not be asked. */
  async function* located(range: KeyRange, options: ScanOptions): AsyncGenerator<LocatedRow, void, undefined> {
    const pages = await placesOf(range);
    if (pages !== undefined) {
      yield* pages;
      return;
    }
    for await (const row of engine.scan(range, options)) {
      const owner = fileOwnerOfKey(row.key);
      yield { row, place: owner === undefined ? undefined : decodePlace(owner, row.value) };
    }
  }

  /** Undefined unless these are pages of one block, all of them in files. */
  const placesOf = async ({ start, end }: KeyRange): Promise<LocatedRow[] | undefined> => {
    if (!isPageKey(start) || !isPageKey(end) || blockOfPageKey(start) !== blockOfPageKey(end)) return undefined;
    const block = blockOfPageKey(start);
    const rows: LocatedRow[] = [];
    for (let page = pageOfKey(start); page < pageOfKey(end); page++) {
      const place = await places.find(block, page);
      if (place === undefined) return undefined;
      rows.push({ row: { key: pageKey(block, page), value: noBytes }, place });
    }
    return rows;
  };

  async function* scan(range: KeyRange, options: ScanOptions = {}): AsyncGenerator<EngineRow, void, undefined> {
    if (options.keysOnly === true) return yield* engine.scan(range, options);
    const aheadBytes = options.descending === true ? 0 : (options.readAheadBytes ?? defaultReadAheadBytes);
    const waiting: (LocatedRow & { readonly value: Promise<Uint8Array | undefined> | undefined })[] = [];
    let waitingBytes = 0;
    const next = async (): Promise<EngineRow | undefined> => {
      const { row, place, value } = waiting.shift()!;
      if (place === undefined) return row;
      waitingBytes -= place.length;
      const read = await value!;
      if (read !== undefined) return { ...row, value: read };
      if (isPageKey(row.key)) return undefined;
      throw new StorageError(missing, `a row of the journal, ${place.owner}: its file ${place.token} is gone or short`);
    };
    for await (const { row, place } of located(range, options)) {
      const value = place && files.read(place);
      value?.catch(() => undefined);
      waiting.push({ row, place, value });
      waitingBytes += place?.length ?? 0;
      while (waiting.length > mostAhead || waitingBytes > aheadBytes) {
        const ready = await next();
        if (ready !== undefined) yield ready;
      }
    }
    while (waiting.length > 0) {
      const ready = await next();
      if (ready !== undefined) yield ready;
    }
  }

  return {
    get: (key) => (isPageKey(key) ? getPage(key) : engine.get(key)),
    scan,
    failure: () => engine.failure(),
    metrics: () => engine.metrics(),
    probe: () => engine.probe(),
    close: async () => {
      await engine.close();
      await files.close();
    },
  };
}

interface Target {
  readonly files: RowFiles;
  readonly places: PagePlaces;
  readonly stowed: WeakSet<EngineOp>;
}

async function stow({ files, places: known, stowed }: Target, op: EngineOp): Promise<EngineOp> {
  const owner = fileOwnerOfKey(op.key);
  if (owner === undefined || op.value === undefined) return op;
  const { places, stored } = files.append(owner, [op.value]);
  await stored;
  learn(known, op.key, places[0]!);
  const row = { ...op, value: encodePlace(places[0]!) };
  stowed.add(row);
  return row;
}

/** The operations as the engine gets them: the same ones where nothing goes to a file. */
function store(
  { files, places: known, stowed }: Target,
  ops: readonly EngineOp[],
  fromBytes: number,
): readonly EngineOp[] | Promise<readonly EngineOp[]> {
  let byOwner: Map<FileOwner, number[]> | undefined;
  for (let i = 0; i < ops.length; i++) {
    const { key, value } = ops[i]!;
    if (value === undefined || stowed.has(ops[i]!)) continue;
    const owner = fileOwnerOfKey(key);
    if (owner === undefined || (value.length < fromBytes && !isPageKey(key))) continue;
    byOwner ??= new Map();
    const indexes = byOwner.get(owner);
    if (indexes === undefined) byOwner.set(owner, [i]);
    else indexes.push(i);
  }
  if (byOwner === undefined) return ops;
  const rows = [...ops];
  const writes: Promise<void>[] = [];
  for (const [owner, indexes] of byOwner) {
    const { places, stored } = files.append(
      owner,
      indexes.map((index) => ops[index]!.value!),
    );
    writes.push(stored);
    for (const [i, index] of indexes.entries()) {
      rows[index] = { ...ops[index]!, value: encodePlace(places[i]!) };
      learn(known, ops[index]!.key, places[i]!);
    }
  }
  return Promise.all(writes).then(() => rows);
}

function learn(places: PagePlaces, key: Uint8Array, place: ValuePlace): void {
  if (isPageKey(key)) places.learn(blockOfPageKey(key), pageOfKey(key), place);
}
