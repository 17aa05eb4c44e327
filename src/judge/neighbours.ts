import type { CheckResult, CheckSpec, JudgeSpec, Sample, TaskIndex } from '../model/index.ts';
import { checksInForce } from './checks-in-force.ts';
import { judge } from './judge.ts';
import type { JudgeMemory, JudgePlan, NeighbourSeen } from './port.ts';

/** Of the time since the phase began at least so many bins are looked at. */
const fewestBins = 10;

/** Another service that is looked at while a rollout runs: whoever calls it, or is called by it. */
export interface NeighbourRequest {
  readonly service: string;
  /** How that service judges itself. */
  readonly spec: JudgeSpec;
  /** Names of its checks; null: those that are critical. */
  readonly checks: readonly string[] | null;
  readonly trust: CheckSpec['trust'];
  /** The chance of error that it has here. */
  readonly alpha: number;
  /** The rollout that is looked at, and its phase. */
  readonly about: Pick<JudgePlan, 'rollout' | 'phase' | 'phaseStartedAtMs' | 'updatedAtMs' | 'deadlineAtMs' | 'phases'>;
  /** When that rollout began: what was before is what the service is compared with. */
  readonly beganAtMs: number;
  /** A change of its own in that time, in words: nobody could tell the two apart. */
  readonly ownChange: string | undefined;
}

/**
 * The neighbour's own checks, against its own past: all its tasks since the rollout began, and the same tasks before.
 * Nothing of it was restarted, so there is nothing to warm up.
 */
export function judgeNeighbour(
  request: NeighbourRequest,
  samples: readonly Sample[],
  memory: JudgeMemory | undefined,
  nowMs: number,
): { readonly seen: NeighbourSeen; readonly memory: JudgeMemory | undefined } {
  const { service, trust, about, beganAtMs, spec, ownChange } = request;
  if (ownChange !== undefined) {
    const sentence = `${service} changes itself (${ownChange}): what this rollout does to it cannot be told apart.`;
    return { seen: { service, trust, results: [nothing(service, sentence)] }, memory };
  }
  const checks = checksOf(request, samples, nowMs);
  if (checks.length === 0 || samples.length === 0) {
    const sentence = `Nothing that could be compared was seen of ${service}.`;
    return { seen: { service, trust, results: [nothing(service, sentence)] }, memory };
  }
  const told = samples.map((sample): Sample => {
    return { ...sample, version: sample.fromMs >= beganAtMs ? 'v_since' : 'v_before' };
  });
  const { rollout, phase, phaseStartedAtMs, updatedAtMs, deadlineAtMs, phases } = about;
  const indices = [...new Set(samples.map(({ index }) => index))];
  const judged = judge(
    {
      // Nothing else of it: what restarts do to the service that rolls out says nothing of this one.
      ...{ rollout, phase, phaseStartedAtMs, updatedAtMs, deadlineAtMs, phases },
      phaseName: service,
      spec: { ...spec, checks: [...checks], guards: [], alpha: request.alpha, failShare: 0 },
      newVersion: 'v_since',
      oldVersions: ['v_before'],
      updates: indices.map((index: TaskIndex) => ({ index, admittedAtMs: beganAtMs, servingAtMs: beganAtMs })),
    },
    told,
    memory,
    nowMs,
  );
  const results = judged.verdict.perCheck.map(
    (result): CheckResult => ({
      ...result,
      check: `${service}/${result.check}`,
      against: 'before',
      // Indices of its tasks, not of ours.
      drivers: [],
      sentence: `Since this rollout began, of ${service}: ${inItsWords(result.sentence)}`,
    }),
  );
  return { seen: { service, trust, results }, memory: judged.memory };
}

/** Only what can be held against the time before; what it lost itself is not ours to say. */
function checksOf(request: NeighbourRequest, samples: readonly Sample[], nowMs: number): CheckSpec[] {
  const { spec, checks: names, about } = request;
  const least = fewestBins * spec.binMs;
  const windowMs = Math.max(least, nowMs - about.phaseStartedAtMs);
  return checksInForce(spec, samples)
    .filter(({ name, critical }) => names?.includes(name) ?? critical)
    .filter(({ metric }) => 'errorRatio' in metric || 'latency' in metric || 'gauge' in metric || 'rate' in metric)
    .filter(({ against }) => against !== 'trend')
    .map((check) => ({
      ...check,
      against: check.against === 'limit' ? 'limit' : ('before' as const),
      windowMs,
      ...{ required: false, critical: true, trust: 'revert' as const },
    }));
}

/** "New" tasks are all its tasks now, "old" ones all of them before. */
function inItsWords(sentence: string): string {
  return sentence
    .replaceAll('the requests to new tasks', 'its requests')
    .replaceAll('of those to old tasks', 'of those before')
    .replaceAll('of the new tasks', 'of its tasks')
    .replaceAll('that of old tasks in the same bins', 'before')
    .replaceAll('that of old tasks', 'before');
}

function nothing(service: string, sentence: string): CheckResult {
  return {
    ...{ check: service, verdict: 'undecided', against: 'before', delta: 0, margin: 0, sentence, drivers: [] },
    ...{ estimate: undefined, interval: undefined, oldLevel: undefined, newLevel: undefined, power: undefined },
    ...{ oldTasks: 0, newTasks: 0, newEvents: 0 },
  };
}
