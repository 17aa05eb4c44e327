import type { DoctorReport, ParkedWork } from '../../api/index.ts';
import { readControlAlarms } from '../../disruption/read.ts';
import { listHostOverviews, listMaintenances, readMassSilence } from '../../fleet/read.ts';
import { freeDiskRatio, sandboxAbilities } from '../../io/index.ts';
import { readCalibrationTurns } from '../../judge/read.ts';
import { type Hold, type Rollout, scopeName } from '../../model/index.ts';
import { readFindings } from '../../pipeline/read.ts';
import { readJobs } from '../../rollout/read.ts';
import type { AgentServer } from '../agents/index.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import { decideDoctor } from '../machine/doctor.ts';
import { decideFindings, type FindingFacts } from '../machine/findings.ts';
import { carrierViews } from './marks.ts';

/** The installation itself: findings, doctor, work that was set aside. */
export function machineHandlers(context: ServerContext, agents: AgentServer) {
  const { store, engine, settings, clock } = context;
  const startedAtMs = clock.nowMs();

  const loadFacts = async (): Promise<FindingFacts> => {
    const parked = await engine.listParked();
    const disk = await freeDiskRatio(settings.dataFolder);
    return store.read(async (tx) => ({
      parkedWork: parked.work,
      parkedEffects: parked.effects,
      hosts: await listHostOverviews(tx),
      isMassSilence: await readMassSilence(tx),
      overdue: (await listMaintenances(tx, 0)).flatMap(({ id, scope, untilMs, waitsFor }) =>
        waitsFor === undefined && untilMs < clock.nowMs() ? [{ id, scope: scopeName(scope), untilMs }] : [],
      ),
      freeDiskRatio: disk,
      leastFreeDiskRatio: settings.leastFreeDiskRatio,
      runningCarriers: (await carrierViews(tx)).flatMap(({ mark, running, override }) =>
        override ? [] : running.map(({ job, indices }) => ({ mark, job, tasks: indices.length })),
      ),
      stoppedRollouts: (await readJobs(tx)).flatMap(({ live }) => live.flatMap(stoppedOf)),
      controllers: (await readControlAlarms(tx)).flatMap(({ job, control }) => {
        const { alarm, silentSinceMs, withheldSinceMs, lastFailure: failure, asked } = control;
        if (alarm === undefined) return [];
        const sinceMs = alarm === 'silent' ? silentSinceMs : withheldSinceMs;
        return [{ job, alarm, sinceMs, failure, waiting: asked.length }];
      }),
      drivers: context.driverFindings(),
      problems: (await readFindings(tx)).map(({ subject, problem, atMs }) => {
        return { subject, detail: problem.detail, remedy: problem.remedy, atMs };
      }),
      metrics: context.sourceFindings.list(clock.nowMs()),
    }));
  };

  const listParked = async (): Promise<{ items: ParkedWork[] }> => {
    const { work, effects } = await engine.listParked();
    return {
      items: [
        ...work.map((row) => ({
          what: 'work' as const,
          kind: row.kind,
          key: row.key,
          attempts: row.attempts,
          error: row.lastError,
          sinceMs: row.parkedAtMs,
        })),
        ...effects.map((row) => ({
          what: 'effect' as const,
          kind: row.kind,
          key: row.id,
          attempts: row.attempts,
          error: row.lastError,
          sinceMs: null,
        })),
      ],
    };
  };

  return {
    async listFindings() {
      return { items: decideFindings(await loadFacts()) };
    },
    async getDoctor(): Promise<DoctorReport> {
      const facts = await loadFacts();
      const nowMs = clock.nowMs();
      const isConnected = (host: string) => agents.isConnected(host);
      const configurations = await sandboxAbilities();
      const { plugins } = context;
      return decideDoctor({
        facts,
        settings,
        plugins,
        calibrations: await store.read(readCalibrationTurns),
        storeKind: store.kind,
        startedAtMs,
        nowMs,
        isConnected,
        configurations,
      });
    },
    listParkedWork: listParked,
    async retryWork({ body }) {
      const which = body.what === 'work' ? { kind: body.kind, key: body.key } : { effect: body.key };
      const retried = await engine.retryParked(which);
      if (retried === 0) refuse('api/not-found', `No parked ${body.what} is called ${body.kind} ${body.key}.`);
      return listParked();
    },
    async dropEffect({ body }) {
      const isDropped = await engine.dropEffect(body.effect);
      if (!isDropped) refuse('api/not-found', `No parked effect is called ${body.effect}.`);
      return listParked();
    },
  } satisfies Partial<Handlers>;
}

const needsPerson: readonly Hold['by'][] = [
  'forward-only',
  'no-good-version',
  'first-deployment',
  'strategy',
  'driver',
  'watch',
];

/** A rollout that failed, or whose strategy is not followed: only a person, or the next release, can bring it on. */
function stoppedOf({ id: rollout, job, hold }: Rollout): FindingFacts['stoppedRollouts'] {
  const isStopped = hold !== undefined && needsPerson.includes(hold.by);
  return isStopped ? [{ rollout, job, reason: hold.reason, sinceMs: hold.sinceMs }] : [];
}
