import { expect, it } from 'vitest';
import { formatNoPositiveDuration } from './go-duration.ts';

it.each([
  [0, '0s'],
  [-0, '0s'],
  [1e-7, '0s'],
  [-1e-7, '0s'],
  [-1e-4, '-100ns'],
  [-0.1, '-100µs'],
  [-500, '-500ms'],
  [-1000, '-1s'],
  [-1500, '-1.5s'],
  [-90_000, '-1m30s'],
  [-3_661_250, '-1h1m1.25s'],
])('%s ms are %s', (durationMs, text) => expect(formatNoPositiveDuration(durationMs)).toBe(text));
