import { compareStrings } from '@opendata/promql';
import { compareValues, INDEX_PAGE_BYTES } from './index/block-format.ts';
import type { BlockDescriptor } from './index/descriptor.ts';
import { DictionaryPageWriter } from './index/dictionary-page.ts';
import type { BlockSource, NamedValues } from './sources.ts';

/** Takes the pages of a new block and answers their numbers. */
export type PageSink = (page: Uint8Array) => Promise<number>;

export interface WrittenDictionary {
  readonly pairCount: number;
  readonly names: BlockDescriptor['names'];
  readonly pages: BlockDescriptor['dictionary'];
  /** Of every source the numbers of its pairs in the new block. */
  readonly numbers: readonly Uint32Array[];
}

/** Writes the label pairs of all sources, each once. */
export async function writeDictionary(
  sources: readonly BlockSource[],
  writePage: PageSink,
  yielder: () => Promise<void>,
): Promise<WrittenDictionary> {
  const numbers = sources.map(({ pairLimit }) => new Uint32Array(pairLimit));
  const names: { name: string; firstPair: number }[] = [];
  const pages: { page: number; first: number; firstValue: string }[] = [];
  const writer = new DictionaryPageWriter();
  let pairCount = 0;
  let first = 0;
  let firstValue = '';
  const finishPage = async (): Promise<void> => {
    pages.push({ page: await writePage(writer.finish()), first, firstValue });
    first = pairCount;
  };
  const allNames = new Set(sources.flatMap((source) => source.names()));
  for (const name of [...allNames].sort(compareStrings)) {
    const lists = await Promise.all(sources.map((source) => source.values(name)));
    names.push({ name, firstPair: pairCount });
    for (const value of mergeValues(name, lists, numbers, pairCount)) {
      if (first === pairCount) firstValue = value;
      writer.add(value);
      pairCount++;
      if (writer.sizeBytes >= INDEX_PAGE_BYTES) await finishPage();
      if (pairCount % 512 === 0) await yielder();
    }
  }
  if (first < pairCount) await finishPage();
  return { pairCount, names, pages, numbers };
}

/** The values of all lists, each once, in order; notes the number of each list's pairs. */
function* mergeValues(
  name: string,
  lists: readonly NamedValues[],
  numbers: readonly Uint32Array[],
  firstNumber: number,
): Generator<string> {
  const at = lists.map(() => 0);
  for (let number = firstNumber; ; number++) {
    let least: string | undefined;
    for (let i = 0; i < lists.length; i++) {
      const value = lists[i]!.values[at[i]!];
      if (value === undefined) continue;
      if (least === undefined || compareValues(name, value, least, compareStrings) < 0) least = value;
    }
    if (least === undefined) return;
    for (let i = 0; i < lists.length; i++) {
      const { values, pairs } = lists[i]!;
      if (values[at[i]!] === least) numbers[i]![pairs[at[i]!++]!] = number;
    }
    yield least;
  }
}
