import { defineConfig } from 'vitest/config';

const shared = {
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
};

/** `unit`: tests beside the code, one reused process per core. `server`: the built servers as processes. */
export default defineConfig({
  test: {
    reporters: ['default', './scripts/summary-reporter.mjs'],
    maxWorkers: 2,
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/unit/**/*.test.ts'],
          pool: 'forks',
          isolate: false,
          testTimeout: 30_000,
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
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
