import { defineConfig } from 'vitest/config';

const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
};

/** Deadlines name what hangs. None is near to what a test needs, on a busy machine too. */
const deadlines = {
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000, interval: 20 } },
};

/** `unit`: tests beside the code, one reused process per core. `server`: the built servers as processes. */
export default defineConfig({
  test: {
    reporters: ['default', './scripts/summary-reporter.mjs'],
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/unit/**/*.test.ts'],
          pool: 'forks',
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          ...deadlines,
          testTimeout: 120_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'server',
          include: [
            'packages/*/test/**/*.test.ts',
            'test/server/**/*.test.ts',
            'test/differential/**/*.test.ts',
            'test/charts/**/*.test.ts',
            'test/images/**/*.test.ts',
            'test/stores/**/*.test.ts',
          ],
          pool: 'forks',
          isolate: true,
          // More than cores: these wait for outages and deadlines a third of their time.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
          ...deadlines,
          testTimeout: 240_000,
        },
      },
    ],
  },
});
