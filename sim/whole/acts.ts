import { liveMarksOf } from '../../src/blame/rows.ts';
import * as ledger from '../../src/disruption/rows.ts';
import type { SimulatedCluster } from '../../src/drivers/simulated/index.ts';
import type { Engine } from '../../src/engine/index.ts';
import * as fleet from '../../src/fleet/rows.ts';
import {
  declareDead,
  end as endMaintenance,
  fleetWatchWork,
  letLeave,
  letStay,
  listeningWrites,
  openMaintenance,
} from '../../src/fleet/work.ts';
import { makeId, seededChance } from '../../src/kit/index.ts';
import type { Actor, HostId, MaintenanceId, Outage, Rollout, RolloutCommand } from '../../src/model/index.ts';
import * as rows from '../../src/rollout/rows.ts';
import type { Store, Tx } from '../../src/store/index.ts';
import type { Ground } from '../ground.ts';
import { outageOf } from '../maintenance.ts';
import { argumentsOf } from '../persons.ts';
import { disturb, workOf } from '../rack-works.ts';
import { deploymentOf, placeboRoundOf, roundOf } from '../rollouts.ts';
import { type Happening, watchedMs } from '../scenario.ts';
import { commitOf, jobId as job, repository, startMs } from '../versions.ts';

const ada: Actor & { kind: 'person' } = { kind: 'person', name: 'ada' };
const grace: typeof ada = { kind: 'person', name: 'grace' };
const decide = [{ kind: 'job/decide', key: job }];

/** What is to be done to the server by others than agents, in order. */
export type Act =
  | Happening
  | { readonly kind: 'listen' | 'fence' }
  | { readonly kind: 'let-stay'; readonly host: HostId }
  | { readonly kind: 'end-maintenance'; readonly outage: Outage }
  | { readonly kind: 'end-work'; readonly id: MaintenanceId };

/** What persons do, and servers that say whom they hear: each by the same calls as the real ones make. */
export class Acts {
  readonly #store: Store;
  readonly #ground: Ground;
  readonly #cluster: SimulatedCluster;
  readonly #server: { readonly engine: Engine };
  readonly #works = new Set<MaintenanceId>();
  #isWatching = false;
  /** One that was not finished when the server died is done again. */
  readonly waiting: Act[] = [];

  constructor(store: Store, ground: Ground, cluster: SimulatedCluster, server: { readonly engine: Engine }) {
    this.#store = store;
    this.#ground = ground;
    this.#cluster = cluster;
    this.#server = server;
  }

  get #engine(): Engine {
    return this.#server.engine;
  }

  async doAll(): Promise<void> {
    while (this.waiting.length > 0) {
      await this.#do(this.waiting[0]!);
      this.waiting.shift();
    }
  }

  async #do(one: Act): Promise<void> {
    const nowMs = this.#ground.serverMs();
    const engine = this.#engine;
    switch (one.kind) {
      case 'listen':
        return this.#listen();
      case 'deploy':
        return this.#deploy(one, nowMs);
      case 'round':
        return this.#start(one, nowMs);
      case 'command':
        return this.#commandWhen(one);
      case 'host-leave':
        return this.#letLeave(one.host, one.forMs);
      case 'let-stay':
        return this.#letStay(one.host);
      case 'declare-dead':
        if (this.#cluster.isDead(one.host)) await engine.commitAs(ada, declareDead(one.host, ada, 'because', nowMs));
        return;
      case 'clear-mark': {
        for (const mark of await this.#store.read((tx) => liveMarksOf(tx, one.version))) {
          await this.#submit('blame/mark', repository, 'clear', { mark });
        }
        return;
      }
      case 'resize': {
        const facts = await this.#store.read((tx) => rows.loadJob(tx, job));
        const write = (tx: Tx) => rows.ensureJob(tx, { ...facts, wantedSize: one.size }, nowMs);
        await engine.append({ write, work: decide });
        return;
      }
      case 'maintenance': {
        const id = makeId('out', one.atMs, seededChance(this.#ground.scenario.seed, `${one.kind} ${one.atMs}`));
        const outage = outageOf(one, id, nowMs);
        await engine.append({ write: (tx) => ledger.saveOutage(tx, outage), work: decide });
        const end = { kind: 'end-maintenance', outage } as const;
        this.#ground.clock.after(one.noticeMs + one.forMs, () => this.waiting.push(end));
        return;
      }
      case 'rack-maintenance':
        return this.#work(one, nowMs);
      case 'mark': {
        const given = { commits: [commitOf(one.version)], targets: ['guestbook'] };
        await this.#submit('blame/mark', repository, 'mark', given);
        return;
      }
      case 'end-maintenance': {
        const ended = { ...one.outage, endedAtMs: nowMs };
        await engine.append({ write: (tx) => ledger.saveOutage(tx, ended), work: decide });
        return;
      }
      case 'end-work':
        await engine.commitAs(ada, endMaintenance(one.id, 'ended', ada, 'because', nowMs));
        return;
      case 'fence':
        return this.#fence();
      default:
        throw new Error(`${one.kind} is not an act`);
    }
  }

  // -------------------------------------------------------------- rollouts

  async #deploy(one: Extract<Happening, { kind: 'deploy' }>, nowMs: number): Promise<void> {
    const { scenario } = this.#ground;
    const id = makeId('ro', one.atMs, seededChance(scenario.seed, `${one.kind} ${one.atMs}`));
    const rollout = deploymentOf(scenario, id, one, nowMs);
    // A person who was not answered asks again, for the same thing.
    if ((await this.#store.read((tx) => rows.findRollout(tx, rollout.id))) !== undefined) return;
    const next = makeId('ro', one.atMs + 1, seededChance(scenario.seed, `placebo ${one.atMs}`));
    const write = async (tx: Tx) => {
      await rows.insertRollout(tx, rollout);
      for (const placebo of placeboRoundOf(scenario, next, rollout, nowMs)) await rows.insertRollout(tx, placebo);
    };
    await this.#engine.append({ write, work: decide });
  }

  async #start(one: Extract<Happening, { kind: 'round' }>, nowMs: number): Promise<void> {
    const id = makeId('ro', one.atMs, seededChance(this.#ground.scenario.seed, `${one.kind} ${one.atMs}`));
    const isThere = (await this.#store.read((tx) => rows.listAssignment(tx, job))).length > 0;
    const isKnown = (await this.#store.read((tx) => rows.findRollout(tx, id))) !== undefined;
    if (!isThere || isKnown) return;
    await this.#engine.append({ write: (tx) => rows.insertRollout(tx, roundOf(id, one, nowMs)), work: decide });
  }

  async #commandWhen(one: Extract<Act, { kind: 'command' }>): Promise<void> {
    const live = await this.#store.read((tx) => rows.listLiveRollouts(tx, job));
    const rollout = live.find(({ state }) => one.when === undefined || state === one.when);
    const { clock } = this.#ground;
    if (rollout !== undefined) await this.command(rollout, one.command, 4);
    else if (one.when !== undefined && clock.nowMs() < startMs + one.atMs + watchedMs) {
      clock.after(1000, () => this.waiting.push(one));
    }
  }

  async command(rollout: Rollout, name: RolloutCommand, count: number): Promise<void> {
    const given = { rollout: rollout.id, ...argumentsOf(rollout, name, count) };
    await this.#submit('job/decide', job, name, given, name === 'confirm-override' ? grace : ada);
  }

  async #submit(kind: string, key: string, name: string, given: Record<string, unknown>, actor = ada): Promise<void> {
    const atMs = this.#ground.serverMs();
    const chance = seededChance(this.#ground.clock.nowMs() % 0x7fffffff, `${name} ${JSON.stringify(given)}`);
    const id = makeId('cmd', atMs, chance);
    if ((await this.#engine.findCommand(id)) !== undefined) return;
    await this.#engine.submitCommand({ id, kind, key, name, arguments: given, actor, reason: 'because', atMs });
  }

  // -------------------------------------------------------------- hosts

  /** Servers say each second that they listen and whom they heard; here only while somebody is silent. */
  watchHosts(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#ground.clock.after(1000, () => {
      this.#isWatching = false;
      this.waiting.push({ kind: 'listen' });
    });
  }

  async #listen(): Promise<void> {
    const nowMs = this.#ground.serverMs();
    const ids = this.#ground.scenario.hosts.map((host) => host.id);
    const heard = ids.filter((host) => this.#cluster.isHeard(host));
    await this.#engine.append({ write: listeningWrites('server', heard, [], nowMs), work: [fleetWatchWork] });
    await this.#engine.step();
    const { hosts, memory } = await this.#store.read(async (tx) => ({
      hosts: await fleet.listHosts(tx),
      memory: await fleet.loadWatchMemory(tx),
    }));
    const isSettled = hosts.every(({ id, state }) =>
      this.#cluster.isHeard(id)
        ? (state === 'up' || state === 'leaving' || state === 'fenced') && memory.silentMs[id] === undefined
        : state === 'lost' || state === 'fenced',
    );
    if (!isSettled || memory.massSilence) this.watchHosts();
  }

  async #letLeave(host: HostId, forMs: number): Promise<void> {
    const done = await this.#engine.commitAs(ada, letLeave(host, ada, 'because', this.#ground.serverMs()));
    if (done?.ok) this.#ground.clock.after(forMs, () => this.waiting.push({ kind: 'let-stay', host }));
  }

  async #letStay(host: HostId): Promise<void> {
    await this.#engine.commitAs(ada, letStay(host, ada, 'because', this.#ground.serverMs()));
    const state = (await this.#store.read((tx) => fleet.findHost(tx, host)))?.state;
    // Silent at the moment: it would come back as one that leaves.
    if (state === 'suspected') this.#ground.clock.after(1000, () => this.waiting.push({ kind: 'let-stay', host }));
  }

  async #work(one: Extract<Happening, { kind: 'rack-maintenance' }>, nowMs: number): Promise<void> {
    const { scenario, clock } = this.#ground;
    const id = makeId('mnt', one.atMs, seededChance(scenario.seed, `${one.kind} ${one.atMs}`));
    await this.#engine.commitAs(ada, openMaintenance(workOf(one, id), nowMs));
    this.#works.add(id);
    const hosts = scenario.hosts.filter(({ labels }) => labels.rack === one.rack);
    clock.after(one.leadMs, () => disturb({ ...one, hosts }, this.#cluster, clock, () => this.watchHosts()));
    clock.after(one.leadMs + one.tookMs, () => this.waiting.push({ kind: 'end-work', id }));
  }

  /** All faults are over: work ends, also where it still waits for a turn or was opened late; who is dead is said so. */
  calm(): void {
    for (const id of this.#works) this.waiting.push({ kind: 'end-work', id });
    this.waiting.push({ kind: 'fence' });
    this.watchHosts();
  }

  async #fence(): Promise<void> {
    const nowMs = this.#ground.serverMs();
    for (const { id } of this.#ground.scenario.hosts) {
      if (!this.#cluster.isDead(id)) continue;
      const write = (tx: Tx) => fleet.updateHostState(tx, id, 'fenced', nowMs);
      await this.#engine.append({ write, work: decide });
    }
  }
}
