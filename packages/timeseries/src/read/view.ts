import type { Block } from '../block/block.ts';
import type { Head } from '../head/head.ts';
import type { WindowHead } from '../head/window-head.ts';
import type { SeriesIdentities } from './series-identities.ts';

/** What a read sees: heads and blocks of one moment, each sample in one of them as last written. */
export interface ReadView {
  readonly head: Head;
  /** In order of time; of one window, in order of their lanes. They stay readable until the read is over. */
  readonly windows: readonly WindowHead[];
  /** By rising rank. Samples of the heads are newer than those of any block. */
  readonly blocks: readonly Block[];
  readonly identities: SeriesIdentities;
}
