import type { WorkKind } from '../../src/engine/index.ts';
import { insertVerdict } from '../../src/judge/rows.ts';
import type { RolloutId } from '../../src/model/index.ts';
import * as rows from '../../src/rollout/rows.ts';
import type { Ground } from '../ground.ts';
import { isLateBad } from '../scenario.ts';
import { jobId as job } from '../versions.ts';

/** The judge by what was planted: a fact of the world, written where the real one writes. */
export function plantedJudge({ scenario, streams }: Ground): WorkKind {
  return {
    kind: 'judge/look',
    run: async (turn) => {
      await turn.commit(async ({ tx }) => {
        const rollout = await rows.findRollout(tx, turn.key as RolloutId);
        const phase = rollout?.phases[rollout.currentPhase];
        if (rollout?.state !== 'running' || phase === undefined) return undefined;
        const { judge: mode, versions } = scenario;
        const isBad = (versions[rollout.to]?.errorRatio ?? 0) > 0;
        const isSeen = mode === 'decides' && streams.of('judge').next() < 0.5;
        const bakedMs = phase.updatedAtMs === undefined ? 0 : turn.nowMs - phase.updatedAtMs;
        const isMeasured = mode === 'loses-data' ? rollout.currentPhase === 0 : mode !== 'unmeasured';
        const word = isSeen && isBad ? 'fail' : isSeen && !isBad && bakedMs > 1000 ? 'pass' : 'undecided';
        const verdict = {
          verdict: word,
          lookId: `${rollout.id}/${turn.nowMs}`,
          atMs: turn.nowMs,
          perCheck: [],
          sentence: word === 'fail' ? 'its requests fail' : word === 'pass' ? 'no worse' : 'not enough was seen',
        } as const;
        const row = {
          rollout: rollout.id,
          phase: rollout.currentPhase,
          verdict,
          measured: isMeasured,
          missing: [],
          lostData: mode === 'loses-data' && !isMeasured,
          powerReached: streams.of('judge').next() < 0.5,
        };
        return {
          write: (writer) => insertVerdict(writer, row),
          work: [
            { kind: 'judge/look', key: rollout.id, dueAtMs: turn.nowMs + 2000 },
            { kind: 'job/decide', key: job },
          ],
          result: undefined,
        };
      });
    },
  };
}

/** After the last phase some versions show that they are bad. */
export function plantedWatch({ scenario, streams }: Ground): WorkKind {
  return {
    kind: 'judge/watch',
    run: async (turn) => {
      await turn.commit(async ({ tx }) => {
        const watched = await rows.listWatchedRollouts(tx, job);
        const rollout = watched.find(({ watch }) => watch?.state === 'watching');
        if (rollout === undefined) return undefined;
        const chance = streams.of('watch');
        const isSeen = scenario.judge === 'decides' && chance.next() < 0.4;
        const isBad = isSeen && isLateBad(scenario.seed, rollout.to);
        const verdict = {
          verdict: isBad ? 'fail' : 'undecided',
          lookId: `${rollout.id}/watch/${turn.nowMs}`,
          atMs: turn.nowMs,
          perCheck: [],
          sentence: isBad ? 'it is worse' : 'not enough was seen',
        } as const;
        const holds = chance.next() < 0.1 ? ['a check that may only hold'] : [];
        const base = { missing: [], lostData: false, powerReached: false, measured: true };
        const row = { ...base, rollout: rollout.id, phase: rollout.phases.length, verdict, holds };
        return {
          write: (writer) => insertVerdict(writer, row),
          work: [
            { kind: 'judge/watch', key: job, dueAtMs: turn.nowMs + 3000 },
            { kind: 'job/decide', key: job },
          ],
          result: undefined,
        };
      });
    },
  };
}
