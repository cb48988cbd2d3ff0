import { expect, it } from 'vitest';
import { connectLog } from './connect.ts';

it.each([
  ['timeoutMs', 'x', 'from 1 to 2147483647, found a string'],
  ['timeoutMs', -1, 'from 1 to 2147483647, found -1'],
  ['timeoutMs', 2 ** 31, 'from 1 to 2147483647, found 2147483648'],
  ['maxConnections', -1, 'of 1 or more, found -1'],
  ['retryTimeoutMs', Number.NaN, 'of 0 or more, found NaN'],
])('a client with %s: %j is refused', (name, value, reason) => {
  const message = `${name}: expected a whole number ${reason}`;
  const refused = expect.objectContaining({ name: 'LogClientError', code: 'invalid_input', message });
  expect(() => connectLog('http://localhost:1', { [name]: value })).toThrow(refused);
});

it('times to try again and connections may be without a bound', async () => {
  const log = connectLog('http://localhost:1', {
    retryTimeoutMs: Number.POSITIVE_INFINITY,
    maxConnections: Number.POSITIVE_INFINITY,
  });
  await log.close();
});
