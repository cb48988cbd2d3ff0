import type { FamilyMetadata } from '@opendata/wire';

const MAX_FAMILIES = 50_000;
/** Of one family. */
const MAX_ENTRIES = 16;

/** What is known of a metric family: type, help text and unit. */
export type MetricMetadata = Omit<FamilyMetadata, 'family'>;

/** Metadata of metric families by name, as exporters and senders give it; each distinct one once. */
export class MetadataTable {
  /** Hears that something new was added. */
  onChange: () => void = () => {};
  readonly #families = new Map<string, MetricMetadata[]>();

  add(metadata: readonly FamilyMetadata[]): void {
    let isChanged = false;
    for (const { family, type, help, unit } of metadata) {
      const known = this.#families.get(family);
      if (known === undefined) {
        if (this.#families.size === MAX_FAMILIES) continue;
        this.#families.set(family, [{ type, help, unit }]);
      } else {
        const isKnown = known.some((one) => one.type === type && one.help === help && one.unit === unit);
        if (isKnown || known.length === MAX_ENTRIES) continue;
        known.push({ type, help, unit });
      }
      isChanged = true;
    }
    if (isChanged) this.onChange();
  }

  get(family: string): readonly MetricMetadata[] | undefined {
    return this.#families.get(family);
  }

  entries(): IterableIterator<[string, readonly MetricMetadata[]]> {
    return this.#families.entries();
  }
}
