import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectStoreConfig } from './config.ts';
import { silentLogger } from './logger.ts';
import { openStorage } from './storage.ts';
import { storeFailure, storeFailureOfMessage } from './store-failure.ts';
import { type FaultProxy, startFaultProxy } from './testing/fault-proxy.testing.ts';

describe('an answer of the store', () => {
  it.each<[number, string, string, string]>([
    [404, 'NoSuchBucket', 'config', 'missing_bucket'],
    [404, '', 'config', 'missing_bucket'],
    [404, 'ContainerNotFound', 'config', 'missing_bucket'],
    [403, 'InvalidAccessKeyId', 'config', 'credentials'],
    [403, 'SignatureDoesNotMatch', 'config', 'credentials'],
    [400, 'ExpiredToken', 'config', 'credentials'],
    [403, 'AuthenticationFailed', 'config', 'credentials'],
    [403, 'RequestTimeTooSkewed', 'config', 'clock'],
    [403, 'AccessDenied', 'config', 'access_denied'],
    [403, '', 'config', 'access_denied'],
    [401, '', 'config', 'access_denied'],
    [301, 'PermanentRedirect', 'config', 'wrong_region'],
    [400, 'AuthorizationHeaderMalformed', 'config', 'wrong_region'],
    [503, 'SlowDown', 'unavailable', 'answer'],
    [429, '', 'unavailable', 'answer'],
    [400, 'InvalidRequest', 'config', 'answer'],
  ])('%i %s is %s, %s', (status, code, expected, reason) => {
    const text = code === '' ? '' : `<Error><Code>${code}</Code></Error>`;
    expect(storeFailure('s3://b', 'listing', status, text)).toMatchObject({ code: expected, details: { reason } });
  });

  it('names the region that the bucket is in', () => {
    const text = '<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>';
    expect(storeFailure('s3://b', 'listing', 400, text).message).toBe(
      's3://b: the bucket is in another region, eu-west-1 (listing was answered with 400 AuthorizationHeaderMalformed)',
    );
  });

  it('is found in a message of the engine', () => {
    expect(storeFailureOfMessage('gs://b', 'HTTP error: error sending request')).toBeUndefined();
    expect(storeFailureOfMessage('az://c', 'Generic MicrosoftAzure error: Account must be specified')).toMatchObject({
      code: 'config',
      details: { reason: 'credentials' },
    });
  });
});

describe('what the engine meets in stores that the preflight does not look into', () => {
  let store: FaultProxy;
  beforeAll(async () => {
    store = await startFaultProxy('http://127.0.0.1:21199');
  });
  afterAll(() => store.stop());
  const env = { AZURE_STORAGE_ACCOUNT_KEY: 'a2V5', GOOGLE_SERVICE_ACCOUNT: '/absent/key.json' };
  const opening = (object_store: ObjectStoreConfig) =>
    openStorage({ type: 'SlateDb', path: 'p', object_store }, { logger: silentLogger, env });

  it.each([
    [404, 'missing_bucket'],
    [403, 'access_denied'],
  ])('Azure answers %i: %s', async (status, reason) => {
    store.setFault({ kind: 'status', status });
    await expect(
      opening({ type: 'Azure', container: 'abc', account: 'me', endpoint: store.endpoint, allow_http: true }),
    ).rejects.toMatchObject({ code: 'config', details: { reason, status } });
  });

  it('Gcp with a key file that is missing', async () => {
    await expect(opening({ type: 'Gcp', bucket: 'abc' })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(/gs:\/\/abc\/p: .*\/absent\/key\.json/),
    });
  });
});
