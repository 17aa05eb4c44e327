import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** One project per kind of test; docs/testing.md says what runs where. */
export const projectFiles = {
  unit: {
    include: ['{src,sim,scripts,bench}/**/*.test.ts', 'test/arch/**/*.test.ts', 'test/*.test.ts'],
    exclude: ['**/*.postgres.test.ts'],
  },
  postgres: { include: ['{src,sim,test}/**/*.postgres.test.ts'], exclude: [] },
  sim: { include: ['{sim,bench}/**/*.sim.ts'], exclude: [] },
  e2e: { include: ['test/**/*.e2e.ts'], exclude: [] },
  browser: { include: ['test/browser/**/*.browser.ts'], exclude: [] },
} as const satisfies Record<string, { include: readonly string[]; exclude: readonly string[] }>;

// Real processes, ports and databases: one file at a time, each in a process of its own.
const sequential = { pool: 'forks', fileParallelism: false, maxWorkers: 1, isolate: true } as const;
// Measured: 120 small files take 1.8 s without isolation, 13–19 s with it. Pure code allows it.
// A fork per core: Vitest's own default leaves one of two idle.
const shared = { pool: 'forks', isolate: false, maxWorkers: availableParallelism() } as const;

const setupFiles = ['test/properties.ts', 'test/leaks.ts'];

function project(name: keyof typeof projectFiles, settings: object) {
  const { include, exclude } = projectFiles[name];
  return { test: { name, include: [...include], exclude: [...exclude], setupFiles, ...settings } };
}

export default defineConfig({
  test: {
    passWithNoTests: true,
    projects: [
      project('unit', { ...shared, testTimeout: 30_000, hookTimeout: 30_000 }),
      project('postgres', { ...sequential, testTimeout: 60_000, hookTimeout: 90_000 }),
      project('sim', { ...shared, testTimeout: 300_000, hookTimeout: 30_000 }),
      // Real time on a shared machine: a test that fails once and then passes is told as flaky, not hidden.
      // They wait more than they work: two files at a time, of which one is mostly a long story.
      project('e2e', {
        ...sequential,
        fileParallelism: true,
        maxWorkers: 2,
        retry: 1,
        testTimeout: 180_000,
        hookTimeout: 120_000,
      }),
      project('browser', { ...sequential, retry: 1, testTimeout: 120_000, hookTimeout: 120_000 }),
    ],
  },
});
