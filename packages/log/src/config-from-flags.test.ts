import { objectStoreTarget } from '@opendata/storage';
import { expect, it } from 'vitest';
import { configFromFlags } from './config-from-flags.ts';
import type { ServerFlags } from './flags.ts';

const flags: ServerFlags = {
  port: 0,
  host: undefined,
  config: undefined,
  'data-dir': undefined,
  'in-memory': false,
  's3-bucket': 'a-bucket',
  's3-region': undefined,
  'read-only': false,
  'web.config.file': undefined,
};

it.each([
  [undefined, {}, 'us-east-1'],
  [undefined, { AWS_REGION: 'eu-west-1' }, 'eu-west-1'],
  ['us-west-2', { AWS_REGION: 'eu-west-1' }, 'us-west-2'],
])('takes the region of a bucket from the flag (%s), else from the environment %j', (region, env, expected) => {
  const { storage } = configFromFlags({ ...flags, 's3-region': region });
  expect(objectStoreTarget(storage, env).env['AWS_REGION']).toBe(expected);
});
