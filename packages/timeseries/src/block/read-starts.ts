import type { Block } from './block.ts';
import { pageWith } from './block-index.ts';
import { readStartPage, type StartPage, startsAt } from './index/start-page.ts';
import type { SamplesSink } from './read-samples.ts';

/**
 * Puts starts beside the samples that a reader of the block gives of these series (ascending numbers); the sink itself
 * where the block has none.
 */
export async function withStarts(
  block: Block,
  series: Uint32Array,
  emit: SamplesSink,
  signal?: AbortSignal,
): Promise<SamplesSink> {
  const { startPages } = block.descriptor;
  if (startPages.length === 0 || series.length === 0) return emit;
  const first = pageWith(startPages, series[0]!);
  const last = pageWith(startPages, series[series.length - 1]!);
  const pages: StartPage[] = [];
  for (let i = first; i <= last; i++)
    pages.push(await block.pages.get(block.id, startPages[i]!.page, readStartPage, signal));
  return (number, samples, place) => {
    const page = pages[pageWith(startPages, number) - first];
    const at = page === undefined ? -1 : indexOf(page.series, number);
    const startTimestamps = at < 0 ? undefined : startsAt(page!, at, samples.timestamps);
    emit(number, startTimestamps === undefined ? samples : { ...samples, startTimestamps }, place);
  };
}

/** Index of a number among ascending ones, or -1. */
function indexOf(numbers: readonly number[], wanted: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted ? low : -1;
}
