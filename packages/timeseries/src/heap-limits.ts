import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { collectWithFewThreads, loosenHeapGrowth } from '@opendata/server';

/** Both halves of V8's young generation together, bytes. */
const YOUNG_BYTES = 4 * 1024 * 1024;
/** How much V8's heap may grow over what is alive, in percent, where time does not matter: its least is about 10. */
const SPARING_PERCENT = 25;
/** While the process starts its heap grows quickly. */
const START_MS = 10_000;
const FIRST_LOOKS_MS = 50;
const LOOKS_MS = 1000;

let isQueried: () => boolean = () => false;

/**
 * Settles how V8's heap grows, from before much is in it. The young generation stays at two halves of 2 MiB instead of 16:
 * whatever a socket brings is a buffer outside the heap that goes with the next collection of the young generation, and a
 * writer's small objects seldom ask for one.
 */
export function limitHeap(): void {
  loosenHeapGrowth();
  collectWithFewThreads();
  const startedMs = performance.now();
  const look = (): void => {
    // V8 makes it smaller when nothing happens, so it must be free to grow again.
    const mayGrow = youngBytes() < YOUNG_BYTES || isQueried();
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
    const isStarting = performance.now() - startedMs < START_MS;
    setTimeout(look, isStarting ? FIRST_LOOKS_MS : LOOKS_MS).unref();
  };
  look();
}

/** Lets the young generation grow while there are queries, whose objects live longer: with 4 MiB they cost 4 % more. */
export function growHeapForQueries(areThereAny: () => boolean): void {
  isQueried = areThereAny;
}

/**
 * For work that has time and leaves much behind: its garbage is collected soon, a little in each turn.
 * @returns what ends it
 */
export function growHeapSparingly(): () => void {
  setFlagsFromString(`--heap-growing-percent=${SPARING_PERCENT}`);
  return loosenHeapGrowth;
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0;
}
