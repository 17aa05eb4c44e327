// Set-up of every project: how often a property is tried, and with which seed.
// A failing property prints `{ seed: …, path: "…" }`; FC_SEED=<seed> runs it again from there.
import fc from 'fast-check';

const seed = process.env.FC_SEED;
const runs = process.env.FC_RUNS ?? (process.env.TEST_LONG ? '2000' : undefined);

fc.configureGlobal({
  ...(seed ? { seed: Number(seed) } : {}),
  ...(runs ? { numRuns: Number(runs) } : {}),
});
