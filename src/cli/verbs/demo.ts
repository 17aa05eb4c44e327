import { type GlobalFlags, outputOf } from '../session.ts';

export interface DemoFlags extends GlobalFlags {
  readonly tour: boolean;
  readonly data?: string;
  readonly port: number;
  readonly hosts: number;
  readonly exitAfterTour?: boolean;
}

/** What `npm start` runs: everything on this machine, and the tour. */
export async function run(_args: readonly string[], flags: DemoFlags, signal: AbortSignal) {
  const { runDemo } = await import('../demo/run-demo.ts');
  return runDemo(flags, outputOf(flags), signal);
}
