import type { FamilyMetadata } from '@opendata/wire';

const MAX_FAMILIES = 50_000;

/** What is known of a metric family: type, help text and unit. */
export type MetricMetadata = Omit<FamilyMetadata, 'family'>;

/** Metadata of metric families by name, as exporters and senders give it; each distinct one once. */
export class MetadataTable {
  readonly #families = new Map<string, MetricMetadata[]>();

  add(metadata: readonly FamilyMetadata[]): void {
    for (const { family, type, help, unit } of metadata) {
      const known = this.#families.get(family);
      if (known === undefined) {
        if (this.#families.size < MAX_FAMILIES) this.#families.set(family, [{ type, help, unit }]);
      } else if (!known.some((one) => one.type === type && one.help === help && one.unit === unit)) {
        if (known.length < 16) known.push({ type, help, unit });
      }
    }
  }

  get(family: string): readonly MetricMetadata[] | undefined {
    return this.#families.get(family);
  }

  entries(): IterableIterator<[string, readonly MetricMetadata[]]> {
    return this.#families.entries();
  }
}
