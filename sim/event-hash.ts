import { createHash } from 'node:crypto';
import { withoutReality } from './no-reality.ts';
import { scenarioOf } from './scenario.ts';
import { runDecisions } from './world.ts';

/** Everything that happened in one run, as one hash: equal for equal seeds, in any process. */
export function eventHash(seed: number): string {
  const hash = createHash('sha256');
  withoutReality(() => runDecisions(scenarioOf(seed), { record: (line) => hash.update(`${line}\n`) }));
  return hash.digest('hex');
}

// node sim/event-hash.ts 1..50     one line per seed
if (import.meta.main) {
  const [from = 1, to = from] = (process.argv[2] ?? '1..50').split('..').map(Number);
  for (let seed = from; seed <= to; seed++) console.log(`${seed} ${eventHash(seed)}`);
}
