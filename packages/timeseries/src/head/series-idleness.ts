import { growUint8 } from './growable.ts';

/** Idleness of a series that is about to be forgotten, unless it is asked for before. */
const CONDEMNED = 255;

/** For how many rounds of forgetting (see forgetting.ts) each series has been without samples in memory. */
export class SeriesIdleness {
  #rounds = new Uint8Array(512);

  get memoryBytes(): number {
    return this.#rounds.length;
  }

  reserve(seriesCount: number): void {
    this.#rounds = growUint8(this.#rounds, seriesCount);
  }

  setBusy(series: number): void {
    this.#rounds[series] = 0;
  }

  /**
   * Counts a round in which the series had no samples in memory; once there were enough of them, the series is
   * condemned unless somebody asks for its number before it is removed.
   * @returns whether it is condemned
   */
  addRound(series: number, enough: number): boolean {
    const rounds = Math.min(this.#rounds[series]! + 1, CONDEMNED);
    this.#rounds[series] = rounds >= enough ? CONDEMNED : rounds;
    return rounds >= enough;
  }

  isCondemned(series: number): boolean {
    return this.#rounds[series] === CONDEMNED;
  }
}
