import type { PerfOrder } from '../../model/index.ts';

/** What the process that compares two builds is told, as a file. */
export interface PerfTask {
  readonly order: PerfOrder;
  readonly folders: { readonly old: string; readonly new: string };
  /** Where it writes its pairs. */
  readonly output: string;
  readonly endsInMs: number;
}

/** In the action's folder. */
export const perfFiles = { task: 'perf.json', pairs: 'perf-pairs.json' } as const;
