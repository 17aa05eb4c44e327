import type { CommitGraphs } from '../blame/index.ts';
import { blameWork } from '../blame/work.ts';
import { createEngine, type Engine, type Hooks } from '../engine/index.ts';
import { insertHost, updateHostFacts, updateHostState } from '../fleet/rows.ts';
import { seededChance, sha256 } from '../kit/index.ts';
import type { Actor, CommitId, HostId, JobId, Rollout, RolloutId, ServiceSpec } from '../model/index.ts';
import { findJob, listRollouts, saveRollout, updateJobInForce } from '../rollout/rows.ts';
import { compileSpec } from '../spec/index.ts';
import type { Store } from '../store/index.ts';
import { type ActionOrder, type MemoryGit, openMemoryGit, type ReleaseFacts } from './index.ts';
import * as rows from './rows.ts';
import { decideKind, nameRelease, type PipelineWorld, pipelineWork, registerRepository } from './work.ts';

export const ada: Actor = { kind: 'person', name: 'ada' };
export const everyTime = { picker: 'every' };

export function specOf(config: object = {}): ServiceSpec {
  const whole = {
    name: 'shop',
    command: 'node server.js',
    ready: { running: '1s' },
    build: 'make',
    test: 'make test',
    environments: { production: { tasks: 4 } },
    ...config,
  };
  const compiled = compileSpec(whole, 'rollway.config.ts');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec;
}

/** What outlives a control plane: the repository, the agents (who know run ids) and the time. */
export class Outside {
  nowMs = 1_000_000;
  readonly chance = seededChance(1);
  readonly git: MemoryGit = openMemoryGit(() => this.nowMs);
  /** Orders that agents have written down and not answered. */
  readonly orders: { host: HostId; order: ActionOrder }[] = [];
  readonly seen = new Set<string>();
  readonly cancels: string[] = [];
}

/** A control plane of this area alone: real engine and store; Git, agents and jobs do what the test says. */
export class Plane {
  readonly outside: Outside;
  readonly graphs: CommitGraphs = new Map();
  readonly store: Store;
  readonly engine: Engine;

  constructor(store: Store, outside = new Outside(), hooks: Hooks = {}, real: Partial<PipelineWorld> = {}) {
    this.store = store;
    this.outside = outside;
    const { git, chance, orders, seen, cancels } = outside;
    const clock = { nowMs: () => outside.nowMs, sleepUntil: () => Promise.reject(new Error('nobody sleeps here')) };
    const settings = { isSoleProcess: true };
    this.engine = createEngine({ store, clock, chance, processId: `p${chance.next()}`, hooks, settings });
    const runner = {
      run: async (host: HostId, order: ActionOrder) => {
        if (!seen.has(order.id)) orders.push({ host, order });
        seen.add(order.id);
      },
      cancel: async (_host: HostId, run: string) => void cancels.push(run),
    };
    const world = { git, config: git.config, packer: git, runner, graphs: this.graphs, ...real };
    const { work, effects } = pipelineWork(world, clock.nowMs);
    for (const kind of [...work, ...blameWork({ graphs: this.graphs })]) this.engine.registerWork(kind);
    for (const kind of effects) this.engine.registerEffect(kind);
    // The jobs' own work is not part of this plane: the test moves rollouts.
    this.engine.registerWork({ kind: 'job/decide', run: async () => undefined });
  }

  get git(): MemoryGit {
    return this.outside.git;
  }
  get orders() {
    return this.outside.orders;
  }
  get cancels() {
    return this.outside.cancels;
  }
  get nowMs(): number {
    return this.outside.nowMs;
  }

  async addHosts(count: number): Promise<void> {
    await this.store.transaction(async (tx) => {
      for (let n = 1; n <= count; n++) {
        await insertHost(tx, `host-${n}`, 'key', '1', this.nowMs);
        const capacity = { cpuMillis: 4000, memoryMb: 4000, maxTasks: 10 };
        const facts = { address: '127.0.0.1', labels: {}, capacity, abilities: [], agentVersion: '1' };
        await updateHostFacts(tx, `host-${n}`, facts, this.nowMs);
        await updateHostState(tx, `host-${n}`, 'up', this.nowMs);
      }
    });
  }

  /** Everything that is due now. */
  async settle(): Promise<void> {
    for (let n = 0; n < 2000; n++) if (!(await this.engine.step())) return;
    throw new Error('it never comes to rest');
  }

  async wait(ms: number): Promise<void> {
    this.outside.nowMs += ms;
    await this.settle();
  }

  async watch(location = '/repo'): Promise<void> {
    const names = { id: this.id, nowMs: this.nowMs };
    const wish = { name: 'repo', location, branch: 'main', pollEveryMs: 1000 };
    await this.engine.commitAs(ada, registerRepository(names, wish, ada));
    await this.settle();
  }

  readonly id = <P extends string>(prefix: P): `${P}_${string}` =>
    `${prefix}_${Math.floor(this.outside.chance.next() * 1e9)}`;

  /** Answers all orders that were not answered, as their agents would. */
  async answer(state: 'succeeded' | 'failed' | 'lost' = 'succeeded'): Promise<void> {
    for (const { host, order } of this.orders.splice(0)) {
      const output = order.output === null ? undefined : { digest: sha256(`built ${order.source}`), sizeBytes: 3 };
      await this.engine.append({
        write: async (tx) => {
          const report = { run: order.id, host, state, exitCode: 0, summary: `it ${state}`, output, atMs: this.nowMs };
          await rows.appendActionReport(tx, report);
        },
        work: [{ kind: decideKind, key: 'shop' }],
      });
    }
    await this.settle();
  }

  /** Answers until a release asks for nothing any more. */
  async build(): Promise<void> {
    for (let n = 0; n < 10 && this.orders.length > 0; n++) await this.answer();
  }

  read<T>(what: (tx: Parameters<Parameters<Store['read']>[0]>[0]) => Promise<T>): Promise<T> {
    return this.store.read(what);
  }

  async releaseAt(commit: CommitId): Promise<ReleaseFacts> {
    const [release] = await this.read((tx) => rows.listReleasesAt(tx, 'shop', commit));
    if (release === undefined) throw new Error(`no release of ${commit}`);
    return release;
  }

  async rollouts(job: JobId = 'shop@production'): Promise<Rollout[]> {
    return this.read((tx) => listRollouts(tx, job, 50));
  }

  /** A rollout ends, and the job knows what is good. */
  async end(id: RolloutId, state: Rollout['state'], job: JobId = 'shop@production'): Promise<void> {
    await this.engine.append({
      write: async (tx) => {
        const rollout = (await listRollouts(tx, job, 50)).find((one) => one.id === id)!;
        await saveRollout(tx, { ...rollout, state, endedAtMs: this.nowMs });
        const facts = await findJob(tx, job);
        const good = [rollout.to, ...(facts?.goodVersions ?? []).filter((version) => version !== rollout.to)];
        if (facts && state === 'succeeded') await updateJobInForce(tx, { ...facts, goodVersions: good });
      },
      work: [{ kind: decideKind, key: 'shop' }],
    });
    await this.settle();
  }

  async command(name: string, given: object, reason = 'because', kind = decideKind, key = 'shop'): Promise<string> {
    const row = { id: this.id('cmd'), kind, key, name, arguments: { ...given }, actor: ada, reason, atMs: this.nowMs };
    await this.engine.submitCommand(row);
    await this.settle();
    const outcome = (await this.engine.findCommand(row.id))?.outcome;
    return `${outcome?.ok ? 'ok' : 'refused'}: ${outcome?.detail}`;
  }

  async deploy(commit: string, over: object = {}) {
    const wish = { service: 'shop', commit, onlyTo: undefined, holdAfter: undefined, reason: undefined, ...over };
    const names = { id: this.id, nowMs: this.nowMs };
    const done = await this.engine.commitAs(ada, nameRelease(this.graphs, names, wish, ada));
    await this.settle();
    return done!;
  }

  async events(stream: string): Promise<string[]> {
    return (await this.engine.readStream(stream, 0, 1000)).map(({ type }) => type);
  }
}
