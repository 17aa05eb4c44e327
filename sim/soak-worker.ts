import { withoutReality } from './no-reality.ts';
import { scenarioOf } from './scenario.ts';
import { closeWhole, runWhole } from './whole.ts';
import { runDecisions } from './world.ts';

/** A range of seeds, as the soak hands it to one of its processes. */
export interface SoakChunk {
  readonly depth: 'decisions' | 'whole';
  readonly from: number;
  readonly to: number;
}

export interface SoakReply {
  readonly from: number;
  readonly to: number;
  readonly violations: readonly { readonly seed: number; readonly what: string }[];
  readonly coverage: Readonly<Record<string, number>>;
}

process.on('message', async ({ depth, from, to }: SoakChunk) => {
  const violations: { seed: number; what: string }[] = [];
  const coverage: Record<string, number> = {};
  const cover = (edge: string): void => {
    coverage[edge] = (coverage[edge] ?? 0) + 1;
  };
  for (let seed = from; seed <= to; seed++) {
    const what = await runOne(depth, seed, cover);
    if (what !== undefined) violations.push({ seed, what });
  }
  const reply: SoakReply = { from, to, violations, coverage };
  if (process.connected) process.send!(reply);
});
process.once('disconnect', () => closeWhole());

/** A crash of the run itself is found as well as a broken promise. */
async function runOne(
  depth: SoakChunk['depth'],
  seed: number,
  cover: (edge: string) => void,
): Promise<string | undefined> {
  try {
    const scenario = scenarioOf(seed);
    const result =
      depth === 'whole' ? await runWhole(scenario, { cover }) : withoutReality(() => runDecisions(scenario, { cover }));
    return result.violation?.message;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
