import { describe, expect, it } from 'vitest';
import { warmUp } from './warm-up.ts';

describe('warmUp', () => {
  it('evaluates every query, and ends when it is not wanted any more', async () => {
    let asked = 0;
    await warmUp(() => ++asked <= 15);
    expect(asked).toBe(16);
  });
});
