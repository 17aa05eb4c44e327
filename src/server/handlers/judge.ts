import type {
  AlarmView,
  CalibrationTurnView,
  CalibrationView,
  JudgeDiscovery,
  ReplayView,
  TrustView,
  TunedRollout,
} from '../../api/index.ts';
import {
  calibrate,
  discoverChecks,
  type JudgedRollout,
  readInput,
  replay,
  trustRecord,
  tune,
} from '../../judge/index.ts';
import {
  readCalibration,
  readCalibrationTurn,
  readLabels,
  readLastLooks,
  readVerdicts,
  saveLabel,
} from '../../judge/read.ts';
import { calibrationRequest, lookAt, poolWith, runOf, saveRun, tooLittleToCalibrate } from '../../judge/work.ts';
import type { JobId, JudgeSpec, RolloutId } from '../../model/index.ts';
import { readServices } from '../../pipeline/read.ts';
import { findRolloutFacts, readJobs } from '../../rollout/read.ts';
import type { Tx } from '../../store/index.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import { alarmOf, calibrationTurnView, calibrationView, discoveryOf, judgedRollout } from '../views/judge.ts';
import { inTurns, usualRuns } from './calibration.ts';

const rolloutsInRecord = 50;
/** Each takes some hundred milliseconds: more is for another day. */
const rolloutsTuned = 10;
const seenLatelyMs = 10 * 60_000;

/** What the judge sees, says, said, and would have said. */
export function judgeHandlers(context: ServerContext) {
  const { store, clock, chance, engine, samples, sourceFindings, verdictInputs } = context;
  const loadService = async (tx: Tx, name: string) => {
    const found = (await readServices(tx)).find((one) => one.name === name);
    if (!found) return refuse('api/not-found', `There is no service ${name}.`);
    const jobs = (await readJobs(tx)).flatMap(({ job }) => (job.service === name ? [job.id] : []));
    return { spec: found.spec?.judge, jobs };
  };

  const loadLooks = async (rollout: RolloutId) => {
    const rows = await store.read((tx) => readVerdicts(tx, rollout));
    const looks = [];
    for (const row of rows) {
      // Between looks nothing is decided, so nothing is kept.
      // A watch is judged from the job's past, which is kept as rows.
      if (/\/bin-\d+$|\/watch\//.test(row.verdict.lookId)) continue;
      looks.push({ row, text: await verdictInputs.load(rollout, row.verdict.lookId) });
    }
    return looks;
  };

  return {
    async discoverChecks({ params }) {
      const { spec, jobs } = await store.read((tx) => loadService(tx, params.service));
      const nowMs = clock.nowMs();
      const items = jobs.map((job): JudgeDiscovery => {
        const seen = samples.listMetrics(job, nowMs - seenLatelyMs);
        const kept = sourceFindings.list(nowMs).filter(({ subject }) => subject.startsWith(`${job}/`));
        return discoveryOf(job, spec, seen, discoverChecks(seen), kept);
      });
      return { items };
    },
    async getTrustRecord({ params }) {
      return store.read(async (tx) => {
        const { spec, jobs } = await loadService(tx, params.service);
        const items: TrustView[] = [];
        const alarms: AlarmView[] = [];
        const calibrations: CalibrationTurnView[] = [];
        for (const job of jobs) {
          const found = await recordOf(tx, job, spec);
          items.push(...found.items);
          alarms.push(...found.alarms);
          calibrations.push(calibrationTurnView(job, await readCalibrationTurn(tx, job), spec));
        }
        return { items, alarms, calibrations };
      });
    },
    async calibrateJudge({ params, body }, { actor }) {
      const { spec, jobs } = await store.read((tx) => loadService(tx, params.service));
      const items: CalibrationView[] = [];
      for (const job of jobs) {
        const nowMs = clock.nowMs();
        const request = spec && (await store.read((tx) => calibrationRequest(tx, job, spec, samples, nowMs)));
        const tried = request && (await inTurns(calibrate({ ...request, runs: body.runs ?? usualRuns }, chance)));
        if (spec === undefined || tried === undefined) {
          items.push({ job, runs: 0, tasks: 0, bins: 0, refused: tooLittleToCalibrate, checks: [] });
          continue;
        }
        const untilMs = samples.closedUntilMs();
        const run = runOf(tried, spec, untilMs, nowMs);
        const found = await store.transaction(async (tx) => {
          const pooled = await poolWith(tx, job, run);
          await saveRun(tx, job, run, pooled);
          return pooled;
        });
        const bad = found.checks.flatMap(({ check, isHonest }) => (isHonest ? [] : [check]));
        await engine.append({
          events: [
            { stream: `job/${job}`, type: 'judge.calibrated', actor, data: { runs: found.runs, dishonest: bad } },
          ],
        });
        items.push(calibrationView(job, found));
      }
      return { items };
    },
    async tuneJudge({ params, query }) {
      const { jobs } = await store.read((tx) => loadService(tx, params.service));
      const items: TunedRollout[] = [];
      for (const job of jobs) {
        const rollouts = await store.read((tx) => readLastLooks(tx, job, rolloutsTuned));
        const labels = new Map((await store.read((tx) => readLabels(tx, job))).map((one) => [one.rollout, one.isTrue]));
        for (const [first] of rollouts) {
          const looks = (await loadLooks(first!.rollout)).flatMap(({ row, text }) =>
            text === undefined ? [] : [{ input: readInput(text), verdict: row.verdict }],
          );
          if (looks.length === 0) continue;
          const { rollout } = first!;
          items.push({ rollout, looks: looks.length, ...tune(looks, query), label: labels.get(rollout) ?? null });
        }
      }
      return { items };
    },
    async replayRollout({ params }) {
      const rollout = params.rollout as RolloutId;
      if (!(await store.read((tx) => findRolloutFacts(tx, rollout)))) {
        return refuse('rollout/unknown', `There is no rollout ${rollout}.`);
      }
      const looks: ReplayView['looks'] = (await loadLooks(rollout)).map(({ row, text }) => {
        const { lookId, atMs, verdict } = row.verdict;
        const base = { lookId, phase: row.phase, atMs, verdict };
        if (text === undefined) return { ...base, replayed: null, isEqual: false, different: [] };
        const again = replay(readInput(text), row.verdict);
        return { ...base, replayed: again.verdict.verdict, isEqual: again.isEqual, different: [...again.different] };
      });
      return { rollout, looks };
    },
    async labelVerdict({ params, body }, { actor }) {
      const id = params.rollout as RolloutId;
      await store.transaction(async (tx) => {
        const rollout = await findRolloutFacts(tx, id);
        if (!rollout) return refuse('rollout/unknown', `There is no rollout ${id}.`);
        if ((await readVerdicts(tx, id)).length === 0) refuse('api/conflict', `The judge has said nothing of ${id}.`);
        const { isTrue, reason } = body;
        await saveLabel(tx, rollout.job, { rollout: id, isTrue, actor, reason, atMs: clock.nowMs() });
      });
      // A false alarm teaches what a start of this service looks like.
      if (!body.isTrue) await engine.enqueue(lookAt(id));
      return undefined;
    },
  } satisfies Partial<Handlers>;
}

/** Alarms on the page: more than anybody labels at once. */
const alarmsShown = 10;

async function recordOf(tx: Tx, job: JobId, spec: JudgeSpec | undefined) {
  const labels = new Map((await readLabels(tx, job)).map((one) => [one.rollout, one.isTrue]));
  const looks = await readLastLooks(tx, job, rolloutsInRecord);
  const judged: JudgedRollout[] = [];
  const alarms: AlarmView[] = [];
  for (const rows of looks) {
    const rollout = await findRolloutFacts(tx, rows[0]!.rollout);
    if (!rollout) continue;
    const one = judgedRollout(rollout, rows, labels.get(rollout.id));
    judged.push(one);
    const alarm = alarmOf(job, one, rows);
    if (alarm !== undefined && alarms.length < alarmsShown) alarms.push(alarm);
  }
  const names = new Set(judged.flatMap(({ verdicts }) => Object.keys(verdicts)));
  const known = await readCalibration(tx, job);
  const items = [...names].sort().map((check): TrustView => {
    const trust =
      [...(spec?.checks ?? []), ...(spec?.guards ?? [])].find(({ name }) => name === check)?.trust ?? 'revert';
    const tried = known?.calibration.checks.find((one) => one.check === check);
    const { proposal, ...record } = trustRecord(check, trust, judged, tried?.isHonest);
    const calibration =
      tried && known ? { isHonest: tried.isHonest, sentence: tried.sentence, atMs: known.atMs } : null;
    return { job, ...record, proposal: proposal ?? null, calibration };
  });
  return { items, alarms };
}
