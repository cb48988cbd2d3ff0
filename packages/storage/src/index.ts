export type {
  AwsObjectStoreConfig,
  LocalObjectStoreConfig,
  ObjectStoreConfig,
  ResolvedTuning,
  SlateDbStorageConfig,
  StorageConfig,
} from './config.ts';
export { resolveTuning, storageConfigSchema, storageDefaults } from './config.ts';
