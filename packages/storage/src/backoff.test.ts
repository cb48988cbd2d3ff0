import { expect, it } from 'vitest';
import { Backoff } from './backoff.ts';

it('doubles the delay up to the longest, and begins anew after a success', () => {
  const backoff = new Backoff(500, 1800);
  expect([backoff.failed(), backoff.failed(), backoff.failed(), backoff.failed()]).toEqual([500, 1000, 1800, 1800]);
  backoff.succeeded();
  expect(backoff.failed()).toBe(500);
});
