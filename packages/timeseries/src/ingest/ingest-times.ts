/** What a write goes through, in this order. */
const INGEST_STAGES = ['decode', 'match', 'journal', 'head', 'commit'] as const;
export type IngestStage = (typeof INGEST_STAGES)[number];

/** Where the time of writes goes, summed up since the start. */
export interface IngestStats {
  /** Seconds; those of the event loop, but for `commit`, which is waited for. */
  readonly seconds: Readonly<Record<IngestStage, number>>;
  /** Remote-write requests whose bodies could be read. */
  readonly requests: number;
  /** Their bodies as received. */
  readonly receivedBytes: number;
  /** Their bodies after decompression. */
  readonly decodedBytes: number;
  /** Entries of the journal, from every source. */
  readonly journalBytes: number;
}

/** A stopwatch over the stages of a write, which costs a read of the clock for each. */
export class IngestTimes implements IngestStats {
  readonly seconds = { decode: 0, match: 0, journal: 0, head: 0, commit: 0 };
  requests = 0;
  receivedBytes = 0;
  decodedBytes = 0;
  journalBytes = 0;
  #lapStartedMs = 0;

  /** The next lap begins. */
  begin(): void {
    this.#lapStartedMs = performance.now();
  }

  /** The time since the last lap was spent in a stage. */
  lap(stage: IngestStage): void {
    const nowMs = performance.now();
    this.seconds[stage] += (nowMs - this.#lapStartedMs) / 1000;
    this.#lapStartedMs = nowMs;
  }

  /** The time since `startedMs` was spent waiting for the commit. */
  waited(startedMs: number): void {
    this.seconds.commit += (performance.now() - startedMs) / 1000;
  }
}
