import { type CommitGraphs, readTrailers } from '../src/blame/index.ts';
import { blameWork } from '../src/blame/work.ts';
import type { ClusterDriver } from '../src/drivers/index.ts';
import { healthy, SimulatedCluster, type Timeline } from '../src/drivers/simulated/index.ts';
import { createEngine, type Engine } from '../src/engine/index.ts';
import * as fleet from '../src/fleet/rows.ts';
import { fleetWatch, fleetWatchWork, listeningWrites, planIntake } from '../src/fleet/work.ts';
import { realChance } from '../src/io/chance.ts';
import { realClock } from '../src/io/clock.ts';
import { openSampleStore, type SampleStore } from '../src/judge/index.ts';
import { judgeWork } from '../src/judge/work.ts';
import { makeId, sha256 } from '../src/kit/index.ts';
import { err, ok, problem, rollway, type ServiceSpec, type TaskReport } from '../src/model/index.ts';
import { type PipelineWorld, pipelineWork, readRepository, registerRepository } from '../src/pipeline/work.ts';
import { rolloutWork } from '../src/rollout/work.ts';
import { openStore, type Store } from '../src/store/index.ts';

/** A repository whose commits are configurations, oldest first; its name is the service's. */
export type Repositories = Map<string, ServiceSpec[]>;

/**
 * Everything that a server runs behind its faces – engine, SQLite, the work of every area, samples – in this process
 * and in real time. Git is a list of configurations, an action is done as soon as it is ordered, and the hosts are
 * simulated ones whose tasks are ready at once; heartbeats come each second.
 */
export interface Plane {
  readonly store: Store;
  readonly engine: Engine;
  readonly samples: SampleStore;
  /** When actions were ordered, and at once done, by the words of their commands. */
  readonly actions: readonly { readonly command: string; readonly atMs: number }[];
  /** The newest report of each task that this process has heard of, by job and index. */
  readonly tasks: ReadonlyMap<string, TaskReport>;
  /** Watches the repository, or reads it again. */
  read(name: string): Promise<void>;
  close(): Promise<void>;
}

const never = 24 * 3_600_000;

export async function openPlane(file: string, repositories: Repositories, hostCount = 24): Promise<Plane> {
  const hosts = Array.from({ length: hostCount }, (_, i) => `host-${i + 1}`);
  const store = await openStore({ kind: 'sqlite', path: file });
  const engine = createEngine({
    ...{ store, clock: realClock, chance: realChance, processId: makeId('srv', Date.now(), realChance) },
    settings: { isSoleProcess: true },
    onTrouble: ({ what, error }) => {
      throw new Error(what, { cause: error });
    },
  });
  const samples = await openSampleStore({ nowMs: Date.now() });
  const inbox = openInbox(store, engine, hosts);
  const actions: { command: string; atMs: number }[] = [];
  const cluster = new SimulatedCluster(hosts, realTime, realChance, () => ({ ...healthy, fetchMs: 1, startMs: 1 }), {
    serves: () => {},
    tookOut: () => {},
    begun: () => {},
  });
  const tasks = new Map<string, TaskReport>();
  cluster.receive = (report) => {
    tasks.set(`${report.job}/${report.index}`, report);
    return inbox.task(report);
  };
  const graphs: CommitGraphs = new Map();
  const runner: PipelineWorld['runner'] = {
    async run(host, { id, output, commands }) {
      actions.push({ command: commands.flat().join(' '), atMs: performance.now() });
      const made = output && { digest: sha256(id), sizeBytes: 1 };
      inbox.action(host, { id, state: 'succeeded', exitCode: 0, summary: '', ...(made && { output: made }) });
    },
    async cancel() {},
  };
  const pipeline = pipelineWork({ ...outside(repositories), graphs, runner }, Date.now);
  const rollouts = rolloutWork({ clock: realClock, driverOf: () => driverOf(cluster) });
  for (const kind of [
    ...[fleetWatch(), judgeWork({ samples }), ...blameWork({ graphs })],
    ...[...pipeline.work, ...rollouts.work],
  ])
    engine.registerWork(kind);
  for (const effect of [...pipeline.effects, ...rollouts.effects]) engine.registerEffect(effect);
  await joinHosts(store, hosts);
  const stopping = new AbortController();
  const beat = () =>
    engine.append({ write: listeningWrites('bench', hosts, [], Date.now()), work: [fleetWatchWork] }).catch(() => {});
  await beat();
  const beats = setInterval(beat, 1000);
  const turns = engine.run(stopping.signal);
  return {
    ...{ store, engine, samples, actions, tasks },
    async read(name) {
      const known = await store.read((tx) =>
        tx.selectFrom('repository').select('name').where('name', '=', name).execute(),
      );
      const nowMs = Date.now();
      const names = { nowMs, id: <P extends string>(prefix: P) => makeId(prefix, nowMs, realChance) };
      const wish = { name, location: `/${name}`, branch: 'main', pollEveryMs: never };
      const by = rollway('bench');
      const entry = known.length === 0 ? registerRepository(names, wish, by) : readRepository(name, undefined);
      await engine.commitAs(by, entry);
    },
    async close() {
      clearInterval(beats);
      inbox.close();
      stopping.abort();
      await turns;
      await samples.close();
      await store.close();
    },
  };
}

const realTime: Timeline = {
  nowMs: Date.now,
  at(atMs, act) {
    const timer = setTimeout(act, atMs - Date.now());
    return () => clearTimeout(timer);
  },
};

/** Repositories without Git: commit n of a service is its nth configuration. */
function outside(repositories: Repositories): Pick<PipelineWorld, 'git' | 'config' | 'packer'> {
  const commitsOf = (location: string) =>
    (repositories.get(location.slice(1)) ?? []).map((spec, n) => ({
      id: sha256(`${location} ${n}`).slice(0, 40),
      spec,
    }));
  const headOf: PipelineWorld['git']['headOf'] = async (location) => {
    const head = commitsOf(location).at(-1);
    return head ? ok(head.id) : err(problem('git/unknown-commit', `There is nothing at ${location}.`));
  };
  return {
    git: {
      headOf,
      resolve: headOf,
      async commitsSince(location, _tip, known) {
        const all = commitsOf(location).map(({ id }, n, list) => ({
          ...{ id, parents: n === 0 ? [] : [list[n - 1]!.id], author: 'ada', subject: `Change ${n}` },
          ...{ committedAtMs: Date.now(), trailers: readTrailers('') },
        }));
        return ok(all.filter(({ id }) => !known.includes(id)));
      },
    },
    config: {
      async read(location, commit) {
        const found = commitsOf(location).find(({ id }) => id === commit);
        return found ? ok({ spec: found.spec, path: 'rollway.yaml' }) : err([problem('spec/not-found', 'None.')]);
      },
    },
    packer: {
      pack: async (location, commit) =>
        ok({ digest: sha256(`${location} ${commit}`), sizeBytes: 1, tree: sha256(commit).slice(0, 40) }),
    },
  };
}

function driverOf(cluster: SimulatedCluster): ClusterDriver {
  return {
    name: 'simulated',
    capabilities: { inPlace: true, surge: false, hotswap: false, move: true, places: false },
    observe: async () => {},
    prefetch: async () => {},
    execute: async (request) => cluster.execute(request),
    cancel: async (id, { host, job, index }) => cluster.cancel(host!, id, job, index),
  };
}

interface Waiting {
  tasks: TaskReport[];
  actions: ActionReport[];
}
type ActionReport = Parameters<typeof planIntake>[1]['actions'][number];

/** What hosts say, taken in as the server does it, a batch per host. */
function openInbox(store: Store, engine: Engine, hosts: readonly string[]) {
  const waiting = new Map<string, Waiting>(hosts.map((host) => [host, { tasks: [], actions: [] }]));
  let batch = Date.now();
  let isBusy = false;
  const flush = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    // As requests come in at a server: those of several hosts share a commit.
    await Promise.all(
      [...waiting].map(([host, said]) => (said.tasks.length + said.actions.length > 0 ? take(host, said) : undefined)),
    );
    isBusy = false;
  };
  const take = async (host: string, said: Waiting): Promise<void> => {
    waiting.set(host, { tasks: [], actions: [] });
    const nowMs = Date.now();
    const begun = said.actions.map(({ id }) => id);
    const body = { host, batch: batch++, snapshot: false, atMs: nowMs, freeDiskRatio: 0.5, ...said, begun };
    const plan = await store.read((tx) => planIntake(tx, body as Parameters<typeof planIntake>[1], nowMs));
    if (!plan.ok) throw new Error(plan.error.detail);
    await engine.append(plan.value);
  };
  const timer = setInterval(flush, 20);
  return {
    task(report: TaskReport): true {
      waiting.get(report.host)!.tasks.push(report);
      return true;
    },
    action: (host: string, report: ActionReport) => void waiting.get(host)!.actions.push(report),
    close: () => clearInterval(timer),
  };
}

async function joinHosts(store: Store, hosts: readonly string[]): Promise<void> {
  const nowMs = Date.now();
  await store.transaction(async (tx) => {
    if ((await fleet.listHosts(tx)).length > 0) return;
    for (const [i, host] of hosts.entries()) {
      await fleet.insertHost(tx, host, 'key', '0.1.0', nowMs);
      const capacity = { cpuMillis: 1_000_000, memoryMb: 1_000_000, maxTasks: 1000 };
      const labels = { region: i % 2 === 0 ? 'north' : 'south', rack: `r${i % 6}` };
      await fleet.updateHostFacts(
        tx,
        host,
        { address: '127.0.0.1', labels, capacity, abilities: [], agentVersion: '0.1.0' },
        nowMs,
      );
      await fleet.updateHostState(tx, host, 'up', nowMs);
    }
  });
}
