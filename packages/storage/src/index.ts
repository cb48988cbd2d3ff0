export { Backoff } from './backoff.ts';
export type { BlockInfo, BlockReads, BlockStore, BlockWriter, PublishOptions } from './blocks.ts';
export type {
  AwsObjectStoreConfig,
  LocalObjectStoreConfig,
  ObjectStoreConfig,
  ResolvedTuning,
  SlateDbStorageConfig,
  StorageConfig,
} from './config.ts';
export { resolveTuning, storageConfigSchema, storageDefaults, storagePathSchema } from './config.ts';
export type { ConfigFileProblem } from './config-file.ts';
export { ConfigFileError } from './config-file.ts';
export { pause } from './deadline.ts';
export type { StorageErrorCode } from './errors.ts';
export { isFatal, isStorageError, StorageError } from './errors.ts';
export type { Journal } from './journal.ts';
export { maxEntryBytes } from './journal-frame.ts';
export type { JournalEntry } from './journal-recovery.ts';
export type { Logger } from './logger.ts';
export { silentLogger } from './logger.ts';

export type { MetaReads, MetaStore } from './meta.ts';
export type { MetricFamily, MetricSample } from './metrics.ts';
export { boundNativeMemory, discardMemory } from './native-memory.ts';
export type { AwsTarget, Environment, ObjectStoreTarget } from './object-store.ts';
export { objectStoreTarget } from './object-store.ts';
export type { PreflightOptions, PreflightReport } from './preflight.ts';
export { preflightObjectStore } from './preflight.ts';
export type { OpenReadOnlyOptions, ReadOnlyStorage, StorageChange } from './read-only-storage.ts';
export { openReadOnlyStorage } from './read-only-storage.ts';
export type { ReplicaFollower, ReplicaFollowerOptions, ReplicaState } from './replica-follower.ts';
export { followWriter } from './replica-follower.ts';
export type { SlateSettings } from './settings.ts';
export { loadSlateSettings, slateSettingsDefaults } from './settings.ts';
export type { SettingsFileProblem } from './settings-path.ts';
export { settingsFileProblems, withSettingsBeside } from './settings-path.ts';
export type { OpenStorageOptions, Storage, StorageHealth } from './storage.ts';
export { checkStorageConfig, openStorage } from './storage.ts';
export type { StoreFailureReason } from './store-failure.ts';
