/**
 * How long from "an action finished" to "the next action started": the agent's report comes in, is written down,
 * decided on, and the next order goes out; durable SQLite, real time. `node bench/latency.ts [--n 100]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Reports } from '../src/api/index.ts';
import { helloSchema } from '../src/api/index.ts';
import { createEngine } from '../src/engine/index.ts';
import { join as joinHost, joinTokenAddition, planIntake, recordHello } from '../src/fleet/work.ts';
import { realChance } from '../src/io/chance.ts';
import { realClock } from '../src/io/clock.ts';
import { makeId, sha256 } from '../src/kit/index.ts';
import { ok, rollway } from '../src/model/index.ts';
import { pipelineWork, registerRepository } from '../src/pipeline/work.ts';
import { compileSpec } from '../src/spec/index.ts';
import { openStore } from '../src/store/index.ts';
import { median, writeResult } from './machine.ts';

const { values } = parseArgs({ options: { n: { type: 'string' } } });
const n = Number(values.n ?? 100);
const folder = mkdtempSync(join(tmpdir(), 'rollway-latency-'));
const commit = sha256('commit').slice(0, 40);
const host = 'host-1';

const actions = Array.from({ length: n + 1 }, (_, i) => ({
  name: `step-${i}`,
  type: 'run',
  commands: 'true',
  safeToRepeat: true,
}));
const compiled = compileSpec(
  { name: 'shop', command: 'true', ready: { running: '1s' }, pipeline: { actions } },
  'rollway.yaml',
);
if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
const { spec } = compiled.value;

const store = await openStore({ kind: 'sqlite', path: join(folder, 'rollway.db') });
const engine = createEngine({ store, clock: realClock, chance: realChance, processId: 'bench' });
const finishedAt: number[] = [];
const latencies: number[] = [];
const allRan = Promise.withResolvers<void>();
let batch = 0;

/** What an agent sends; taken in exactly as the server does it. */
async function report(reports: Pick<Reports, 'actions' | 'begun'>): Promise<void> {
  batch += 1;
  const body: Reports = { host, batch, snapshot: false, atMs: Date.now(), freeDiskRatio: 0.5, tasks: [], ...reports };
  const addition = await store.read((tx) => planIntake(tx, body, Date.now()));
  if (!addition.ok) throw new Error(addition.error.detail);
  await engine.append(addition.value);
}

const pipeline = pipelineWork(
  {
    graphs: new Map(),
    git: {
      headOf: async () => ok(commit),
      resolve: async () => ok(commit),
      commitsSince: async (_, tip, known) =>
        ok(
          known.includes(tip)
            ? []
            : [
                {
                  id: tip,
                  parents: [],
                  author: 'a',
                  subject: 's',
                  committedAtMs: 0,
                  trailers: { reverts: [], fixes: [] },
                },
              ],
        ),
    },
    config: { read: async () => ok({ spec, path: 'rollway.yaml' }) },
    packer: { pack: async () => ok({ digest: sha256('tree'), sizeBytes: 1, tree: sha256('tree').slice(0, 40) }) },
    runner: {
      async run(_, order) {
        const nowMs = performance.now();
        const before = finishedAt.at(-1);
        if (before !== undefined) latencies.push(nowMs - before);
        if (latencies.length >= n) return allRan.resolve();
        // The agent has written it down and, a moment later, is done: the clock starts at its report.
        setTimeout(() => {
          finishedAt.push(performance.now());
          report({
            actions: [{ id: order.id, state: 'succeeded', exitCode: 0, summary: '' }],
            begun: [order.id],
          }).catch(allRan.reject);
        }, 20);
      },
      async cancel() {},
    },
  },
  Date.now,
);
for (const kind of pipeline.work) engine.registerWork(kind);
for (const kind of pipeline.effects) engine.registerEffect(kind);

const nowMs = Date.now();
const token = { id: 'tok_1', secretHash: 'x', createdBy: 'bench', createdAtMs: nowMs, expiresAtMs: nowMs + 60_000 };
await engine.append(joinTokenAddition(token, rollway('bench')));
const actor = { kind: 'agent', host } as const;
await engine.commitAs(actor, joinHost({ secretHash: 'x', host, publicKey: 'key', version: '0' }, nowMs));
const hello = helloSchema.parse({
  ...{
    host,
    version: '0',
    protocol: 1,
    address: '127.0.0.1',
    labels: {},
    abilities: [],
    tasks: [],
    packages: [],
    bootId: 'boot',
  },
  capacity: { cpuMillis: 8000, memoryMb: 8000, maxTasks: 100 },
});
await engine.commitAs(actor, recordHello(hello, nowMs));
await engine.append({
  write: async (tx) => void (await tx.updateTable('host').set({ state: 'up' }).where('id', '=', host).execute()),
});

const running = new AbortController();
const turns = engine.run(running.signal);
const names = { nowMs, id: <P extends string>(prefix: P) => makeId(prefix, nowMs, realChance) };
const wish = { name: 'shop', location: '/shop', branch: 'main', pollEveryMs: 3_600_000 };
await engine.commitAs(rollway('bench'), registerRepository(names, wish, rollway('bench')));
const deadline = setTimeout(
  () => allRan.reject(new Error(`only ${latencies.length} of ${n} within two minutes`)),
  120_000,
);
try {
  await allRan.promise;
  const sorted = latencies.toSorted((a, b) => a - b);
  const round = (ms: number) => Math.round(ms * 10) / 10;
  const figures = {
    medianMs: round(median(latencies)),
    p95Ms: round(sorted[Math.floor(sorted.length * 0.95)]!),
    maxMs: round(sorted.at(-1)!),
  };
  console.log(
    `action finished → next action started: median ${figures.medianMs} ms, p95 ${figures.p95Ms} ms, most ${figures.maxMs} ms (n = ${latencies.length})`,
  );
  console.log(`written to ${writeResult('latency', { n: latencies.length, unit: 'ms', figures })}`);
} finally {
  clearTimeout(deadline);
  running.abort();
  await turns;
  await store.close();
  rmSync(folder, { recursive: true, force: true });
}
