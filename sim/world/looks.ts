import type { Rollout, RolloutId } from '../../src/model/index.ts';
import type { JobState, PhaseEvidence } from '../../src/rollout/index.ts';
import type { Ground } from '../ground.ts';
import type { TrueInvariants } from '../invariants.ts';
import { isLateBad } from '../scenario.ts';

/** Whom the judge looks at, and who hears what it found. */
export interface Judged {
  readonly state: JobState;
  readonly truth: TrueInvariants;
  /** Streams of chance have it before their name: '' or a job's own. */
  readonly prefix: string;
  wantDecision(): void;
}

/** The judge and the watch after the last phase: they know what was planted, and see it now and then. */
export class Looks {
  readonly #job: Judged;
  readonly #ground: Ground;
  readonly #looking = new Set<RolloutId>();
  readonly #watching = new Set<RolloutId>();
  readonly evidence = new Map<RolloutId, PhaseEvidence>();

  constructor(job: Judged, ground: Ground) {
    this.#job = job;
    this.#ground = ground;
  }

  look(id: RolloutId): void {
    if (this.#looking.has(id)) return;
    this.#looking.add(id);
    this.#ground.clock.after(2000, () => {
      this.#looking.delete(id);
      const rollout = this.#job.state.rollouts.find((one) => one.id === id);
      if (rollout?.state !== 'running' || !this.#ground.isServerUp) {
        this.#job.wantDecision();
        return;
      }
      this.evidence.set(id, this.#found(rollout));
      this.look(id);
      this.#job.wantDecision();
    });
  }

  #found(rollout: Rollout): PhaseEvidence {
    const { judge: mode, versions } = this.#ground.scenario;
    const phase = rollout.phases[rollout.currentPhase]!;
    const atMs = this.#ground.serverMs();
    const chance = this.#ground.streams.of(`${this.#job.prefix}judge`);
    const errorRatio = versions[rollout.to]?.errorRatio ?? 0;
    const base = {
      phase: rollout.currentPhase,
      atMs,
      measured: mode !== 'unmeasured' && mode !== 'none',
      lostData: mode === 'loses-data' && rollout.currentPhase > 0,
      powerReached: chance.next() < 0.5,
      drivers: [...phase.members].slice(0, 2),
    };
    const bakedMs = phase.updatedAtMs === undefined ? 0 : atMs - phase.updatedAtMs;
    const isSeen = mode === 'decides' && chance.next() < 0.5;
    if (isSeen && errorRatio > 0 && phase.members.some((index) => this.#job.truth.placesOf(index).length > 0)) {
      return { ...base, verdict: 'fail', sentence: `${errorRatio} of its requests fail` };
    }
    if (isSeen && errorRatio === 0 && bakedMs > 1000) return { ...base, verdict: 'pass', sentence: 'no worse' };
    return { ...base, verdict: 'undecided', sentence: 'not enough was seen' };
  }

  /** After the last phase some versions show that they are bad; of some it cannot be told which it was. */
  watch(id: RolloutId): void {
    if (this.#watching.has(id)) return;
    this.#watching.add(id);
    this.#ground.clock.after(3000, () => {
      this.#watching.delete(id);
      const rollout = this.#job.state.watched?.find((one) => one.id === id);
      if (rollout?.watch?.state !== 'watching') return;
      this.watch(id);
      const { scenario, isServerUp, streams } = this.#ground;
      if (!isServerUp || scenario.judge !== 'decides') return;
      const chance = streams.of(`${this.#job.prefix}watch`);
      const isBad = isLateBad(scenario.seed, rollout.to) && chance.next() < 0.4;
      const holds = chance.next() < 0.1 ? ['a check that may only hold'] : [];
      const named = [...rollout.watch.earlier.map((one) => one.rollout), id].filter(() => chance.next() < 0.6);
      const evidence = { measured: true, lostData: false, powerReached: false, drivers: [], sentence: 'it is worse' };
      const verdict = isBad ? ('fail' as const) : ('undecided' as const);
      const atMs = this.#ground.serverMs();
      this.evidence.set(id, { ...evidence, phase: rollout.phases.length, verdict, holds, named, atMs });
      this.#job.wantDecision();
    });
  }
}
