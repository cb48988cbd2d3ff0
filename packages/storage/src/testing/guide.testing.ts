import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The operators' guide beside the repository, if it is there. */
export function guideFile(name = 'timeseries.txt'): string | undefined {
  const file = fileURLToPath(new URL(`../../../../../shared/guide/${name}`, import.meta.url));
  return existsSync(file) ? file : undefined;
}

/** The SlateDB settings file that the guide's helm template renders with the guide's values. */
export const guideSettings = `default_ttl: 604800000
max_unflushed_bytes: 134217728
l0_sst_size_bytes: 16777216
compactor_options:
  max_concurrent_compactions: 2
  max_sst_size: 67108864
garbage_collector_options:
  manifest_options:
    interval: '60s'
    min_age: '3600s'
  wal_options:
    interval: '60s'
    min_age: '60s'
  compacted_options:
    interval: '60s'
    min_age: '3600s'
  compactions_options:
    interval: '60s'
    min_age: '3600s'
object_store_cache_options:
  root_folder: /cache
  max_cache_size_bytes: 107374182400
`;
