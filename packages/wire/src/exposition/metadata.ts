import { type FamilyMetadata, METRIC_TYPES, type MetricType } from '../remote-write.ts';

/** What TYPE, HELP and UNIT lines said, by family, in the order of first mention. */
export interface MetadataTable {
  readonly families: Map<string, { type?: MetricType; help?: string; unit?: string }>;
}

export function createMetadataTable(): MetadataTable {
  return { families: new Map() };
}

export function familyOf(table: MetadataTable, family: string): { type?: MetricType; help?: string; unit?: string } {
  let entry = table.families.get(family);
  if (entry === undefined) {
    entry = {};
    table.families.set(family, entry);
  }
  return entry;
}

export function listMetadata(table: MetadataTable): FamilyMetadata[] {
  const list: FamilyMetadata[] = [];
  for (const [family, { type, help, unit }] of table.families) {
    list.push({ family, type: type ?? 'unknown', help: help ?? '', unit: unit ?? '' });
  }
  return list;
}

const types = new Set<string>(METRIC_TYPES);

export function isMetricType(text: string): text is MetricType {
  return types.has(text);
}
