import { type FaultProxy, type S3Server, startFaultProxy, startS3Server } from '@opendata/storage/testing';
import { afterAll, beforeAll } from 'vitest';
import { createWorkspace, type Workspace } from './databases.ts';

/** What tests on a bucket stand on; filled before the first of them runs. */
export interface BucketRig {
  workspace: Workspace;
  s3: S3Server;
  /** Stands between the servers and the bucket. */
  proxy: FaultProxy;
}

/** A folder, an object store and a proxy in front of it for the tests of the file that calls this. */
export function useBucketRig(): BucketRig {
  const rig = {} as BucketRig;
  beforeAll(async () => {
    rig.workspace = createWorkspace();
    rig.s3 = await startS3Server();
    rig.proxy = await startFaultProxy(rig.s3.endpoint);
  });
  afterAll(async () => {
    rig.proxy.setFault(undefined);
    await rig.workspace.remove();
    await rig.proxy.stop();
    await rig.s3.destroy();
  });
  return rig;
}
