export type { Fault, FaultProxy, ProxiedRequest } from './fault-proxy.testing.ts';
export { startFaultProxy } from './fault-proxy.testing.ts';
export { guideFile, guideSettings } from './guide.testing.ts';
export type { MemoryStorage, WriteFault } from './memory-storage.testing.ts';
export { createMemoryStorage } from './memory-storage.testing.ts';
export type { S3Server, S3ServerOptions } from './s3-server.testing.ts';
export { startS3Server } from './s3-server.testing.ts';
