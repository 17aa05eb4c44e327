import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withoutReality } from './no-reality.ts';
import type { Scenario } from './scenario.ts';
import { type Judge, shrink } from './shrink.ts';
import { runWhole } from './whole.ts';
import { type RunOptions, runDecisions } from './world.ts';

export type Depth = 'decisions' | 'whole';

/** A failing scenario as a file: everything that is needed to see it again, at any later commit that reads it. */
export interface Script {
  readonly depth: Depth;
  /** The promise that was broken when it was written. */
  readonly breaks: string;
  /** What was wrong, of one that is kept as a regression. */
  readonly was?: string;
  readonly scenario: Scenario;
}

/** The promise that a scenario breaks at this depth; a crash of the run itself is one, too. */
export function judgeAt(depth: Depth, options: Pick<RunOptions, 'rules'> = {}): Judge {
  return async (scenario) => {
    try {
      const result =
        depth === 'whole' ? await runWhole(scenario, options) : withoutReality(() => runDecisions(scenario, options));
      return result.violation?.invariant;
    } catch (error) {
      return error instanceof Error ? error.message.slice(0, 80) : String(error);
    }
  };
}

/** Shrinks a failing scenario and writes it down. */
export async function writeScript(depth: Depth, scenario: Scenario, file: string): Promise<Script> {
  const { scenario: short, breaks } = await shrink(scenario, judgeAt(depth));
  const script: Script = { depth, breaks, scenario: short };
  writeFileSync(file, `${JSON.stringify(script, null, 2)}\n`);
  return script;
}

export function readScript(file: string): Script {
  return JSON.parse(readFileSync(file, 'utf8')) as Script;
}

/** Every script that is kept, by the name of its file. */
export function keptScripts(): readonly (Script & { readonly name: string })[] {
  const folder = new URL('./scripts/', import.meta.url);
  return readdirSync(folder).map((name) => ({ ...readScript(fileURLToPath(new URL(name, folder))), name }));
}
