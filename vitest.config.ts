import { defineConfig } from 'vitest/config';

// One project per kind of test; `docs/testing.md` says what runs where.
const sequential = { fileParallelism: false, maxWorkers: 1, isolate: true } as const;

export default defineConfig({
  test: {
    passWithNoTests: true,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,sim,scripts}/**/*.test.ts', 'test/arch/**/*.test.ts', 'test/*.test.ts'],
          exclude: ['**/*.postgres.test.ts', '**/node_modules/**'],
          // Measured: 120 small files take 1.8 s without isolation, 13–19 s with it. Pure code allows it.
          isolate: false,
          testTimeout: 10_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'postgres',
          include: ['{src,sim,test}/**/*.postgres.test.ts'],
          ...sequential,
          testTimeout: 60_000,
          hookTimeout: 90_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.ts'],
          ...sequential,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.browser.ts'],
          ...sequential,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
