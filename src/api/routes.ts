import { z } from 'zod';
import { topicText } from './live.ts';
import { route } from './route.ts';
import * as basics from './shapes/basics.ts';
import {
  alarmView,
  calibrationTurnView,
  calibrationView,
  judgeDiscovery,
  replayView,
  trustView,
  tunedRollout,
} from './shapes/judge.ts';
import { doctorReport, finding, joinToken, parkedWork, person, tokenView } from './shapes/machine.ts';
import { maintenancePlanView, maintenanceView, maintenanceWish } from './shapes/maintenance.ts';
import { carrierView, markDetail, markSummary } from './shapes/marks.ts';
import { backtestBody, backtestView, explanation, planBody, planView, taskPlanView, taskWish } from './shapes/plans.ts';
import { commandView, rolloutCommandBody, rolloutDetail, rolloutSummary } from './shapes/rollouts.ts';
import { pushAnswer, pushBody } from './shapes/samples.ts';
import {
  actionLog,
  actionRunView,
  releaseDetail,
  releaseSummary,
  repositoryView,
  serviceDetail,
  serviceSummary,
} from './shapes/services.ts';
import { endpoints, hostView, jobDetail, taskLog } from './shapes/tasks.ts';

const { jobIdText, optionalReason, pageOf, paging, queryInt, reason } = basics;

const service = z.object({ service: basics.name });
const release = z.object({ release: basics.releaseId });
const run = z.object({ run: basics.actionRunId });
const rollout = z.object({ rollout: basics.rolloutId });
const job = z.object({ job: jobIdText });
const task = z.object({ job: jobIdText, index: queryInt(0, 2_000_000) });
const mark = z.object({ mark: basics.markId });
const host = z.object({ host: basics.name });
const maintenance = z.object({ maintenance: basics.maintenanceId });
const repository = z.object({ repository: basics.name });
const withReason = z.strictObject({ reason });
const page = z.strictObject(paging);
/** Long-poll: answer when something is new, at the latest after so many milliseconds. */
const waitMs = queryInt(0, 30_000).default(0);
/** How long to wait for the decision on a command before answering without it. */
const waitQuery = z.strictObject({ waitMs: queryInt(0, 30_000).default(5000) });

/**
 * The contract: one table, from which come the server's validation and authorisation, the OpenAPI document, the
 * typed client and the reference in the docs. To add an endpoint: a row here, a handler in `server/handlers/`.
 */
export const routes = {
  // ------------------------------------------------------------ services and releases
  listServices: route({
    method: 'GET',
    path: '/api/v1/services',
    summary: 'Services by environment, what needs a person first',
    tag: 'services',
    role: 'viewer',
    response: z.object({ items: z.array(serviceSummary) }),
  }),
  getService: route({
    method: 'GET',
    path: '/api/v1/services/:service',
    summary: 'One service: its pipeline with the releases on it, its environments, its configuration',
    tag: 'services',
    role: 'viewer',
    params: service,
    response: serviceDetail,
  }),
  listReleases: route({
    method: 'GET',
    path: '/api/v1/services/:service/releases',
    summary: 'Releases of a service, newest first',
    tag: 'releases',
    role: 'viewer',
    params: service,
    query: page,
    response: pageOf(releaseSummary),
  }),
  deploy: route({
    method: 'POST',
    path: '/api/v1/services/:service/deployments',
    summary: 'Release a commit',
    tag: 'releases',
    role: 'operator',
    params: service,
    body: z.strictObject({
      commit: basics.commitish,
      /** Go no further than this environment. */
      environment: basics.name.optional(),
      /** Hold after the phase of this name, to look before widening. */
      holdAfter: basics.name.optional(),
      /** With `holdAfter`: for so long; left out, until a person ends it. */
      holdFor: basics.holdFor.optional(),
      /** What it changes cannot be undone by going back: on failure it holds for a person. Needs a reason. */
      forwardOnly: z.boolean().optional(),
      /** Refuse when the plan of this hash no longer holds. */
      planHash: z.string().max(100).optional(),
      reason: optionalReason,
    }),
    status: 201,
    response: releaseSummary,
    idempotent: true,
  }),
  planDeploy: route({
    method: 'POST',
    path: '/api/v1/services/:service/plan',
    summary: 'What a deploy would do: phases, members, capacity, gates, time. Changes nothing',
    tag: 'releases',
    role: 'viewer',
    params: service,
    body: planBody,
    response: planView,
  }),
  backtestPlan: route({
    method: 'POST',
    path: '/api/v1/services/:service/backtest',
    summary: 'The plan of a commit and the templates, tried on past releases: time to done against tasks exposed',
    tag: 'releases',
    role: 'viewer',
    params: service,
    body: backtestBody,
    response: backtestView,
  }),
  rollBack: route({
    method: 'POST',
    path: '/api/v1/services/:service/rollbacks',
    summary: 'Start a rollout back to an earlier version',
    tag: 'rollouts',
    role: 'operator',
    params: service,
    query: waitQuery,
    body: z.strictObject({
      environment: basics.name,
      /** One of several jobs; default: all of them. */
      job: basics.name.optional(),
      /** Default: the newest good version before the one that runs, in each job. */
      to: basics.versionIdText.optional(),
      reason,
    }),
    status: 202,
    response: commandView,
    idempotent: true,
  }),
  endHold: route({
    method: 'POST',
    path: '/api/v1/services/:service/holds/end',
    summary: 'Let releases into an environment again that a rollback holds',
    tag: 'rollouts',
    role: 'operator',
    params: service,
    query: waitQuery,
    body: z.strictObject({ environment: basics.name, reason }),
    status: 202,
    response: commandView,
    idempotent: true,
  }),
  getRelease: route({
    method: 'GET',
    path: '/api/v1/releases/:release',
    summary: 'One release: commits, action runs, artifacts, marks, and why it waits',
    tag: 'releases',
    role: 'viewer',
    params: release,
    response: releaseDetail,
  }),
  cancelRelease: route({
    method: 'POST',
    path: '/api/v1/releases/:release/cancel',
    summary: 'Stop a release where it is',
    tag: 'releases',
    role: 'operator',
    params: release,
    query: waitQuery,
    body: withReason,
    status: 202,
    response: commandView,
    idempotent: true,
  }),
  retryRelease: route({
    method: 'POST',
    path: '/api/v1/releases/:release/retry',
    summary: 'Run a failed or parked action again (default: all of them)',
    tag: 'releases',
    role: 'operator',
    params: release,
    query: waitQuery,
    body: z.strictObject({ action: basics.name.optional(), reason: optionalReason }),
    status: 202,
    response: commandView,
    idempotent: true,
  }),
  getActionRun: route({
    method: 'GET',
    path: '/api/v1/runs/:run',
    summary: 'One attempt of one action',
    tag: 'releases',
    role: 'viewer',
    params: run,
    response: actionRunView,
  }),
  readActionLog: route({
    method: 'GET',
    path: '/api/v1/runs/:run/log',
    summary: 'Its log from a byte offset; waits for more when asked to',
    tag: 'releases',
    role: 'viewer',
    params: run,
    query: z.strictObject({
      offset: queryInt(0, Number.MAX_SAFE_INTEGER).default(0),
      maxBytes: queryInt(1, 1_048_576).default(262_144),
      waitMs,
    }),
    response: actionLog,
  }),

  // ------------------------------------------------------------ rollouts, jobs, tasks
  listRollouts: route({
    method: 'GET',
    path: '/api/v1/rollouts',
    summary: 'Rollouts, newest first',
    tag: 'rollouts',
    role: 'viewer',
    query: z.strictObject({ ...paging, service: basics.name.optional(), environment: basics.name.optional() }),
    response: pageOf(rolloutSummary),
  }),
  getRollout: route({
    method: 'GET',
    path: '/api/v1/rollouts/:rollout',
    summary: 'One rollout: phases, tasks, checks, timeline, legal commands',
    tag: 'rollouts',
    role: 'viewer',
    params: rollout,
    response: rolloutDetail,
  }),
  commandRollout: route({
    method: 'POST',
    path: '/api/v1/rollouts/:rollout/commands',
    summary: 'Pause, resume, abort, revert, promote, skip the bake or raise the budget',
    tag: 'rollouts',
    role: 'operator',
    params: rollout,
    query: waitQuery,
    body: rolloutCommandBody,
    status: 202,
    response: commandView,
    idempotent: true,
    ifMatch: true,
  }),
  getCommand: route({
    method: 'GET',
    path: '/api/v1/commands/:command',
    summary: 'A command and its outcome; waits for it when asked to',
    tag: 'rollouts',
    role: 'viewer',
    params: z.object({ command: basics.commandId }),
    query: z.strictObject({ waitMs }),
    response: commandView,
  }),
  getJob: route({
    method: 'GET',
    path: '/api/v1/jobs/:job',
    summary: 'A job: its tasks, operations and budget',
    tag: 'jobs',
    role: 'viewer',
    params: job,
    response: jobDetail,
  }),
  planTasks: route({
    method: 'POST',
    path: '/api/v1/jobs/:job/plan',
    summary: 'What restarting, moving, resizing or retiring would do. Changes nothing',
    tag: 'jobs',
    role: 'viewer',
    params: job,
    body: z.strictObject(taskWish),
    response: taskPlanView,
  }),
  changeTasks: route({
    method: 'POST',
    path: '/api/v1/jobs/:job/changes',
    summary: 'Restart or move tasks, resize the job or stop it for good, through the ledger',
    tag: 'jobs',
    role: 'operator',
    params: job,
    body: z.strictObject({
      ...taskWish,
      /** Refuse when the plan of this hash no longer holds. */
      planHash: z.string().max(100).optional(),
      /** For retire: the job’s own name. */
      confirm: jobIdText.optional(),
      reason,
    }),
    status: 202,
    response: z.object({ job: jobIdText, rollout: basics.rolloutId.nullable(), sentence: z.string() }),
    idempotent: true,
  }),
  listEndpoints: route({
    method: 'GET',
    path: '/api/v1/jobs/:job/endpoints',
    summary: 'Discovery: where its serving tasks answer; waits for a change when asked to',
    tag: 'jobs',
    role: 'viewer',
    params: job,
    query: z.strictObject({ revision: z.string().max(100).optional(), waitMs }),
    response: endpoints,
  }),
  readTaskLog: route({
    method: 'GET',
    path: '/api/v1/jobs/:job/tasks/:index/log',
    summary: 'The last lines of a task’s output, fetched from its host',
    tag: 'jobs',
    role: 'viewer',
    params: task,
    query: z.strictObject({ lines: queryInt(1, 10_000).default(200) }),
    response: taskLog,
  }),

  // ------------------------------------------------------------ marks
  listMarks: route({
    method: 'GET',
    path: '/api/v1/marks',
    summary: 'Marks, live ones first, newest first',
    tag: 'marks',
    role: 'viewer',
    query: z.strictObject({ ...paging, repository: basics.name.optional() }),
    response: pageOf(markSummary),
  }),
  getMark: route({
    method: 'GET',
    path: '/api/v1/marks/:mark',
    summary: 'One mark: candidates, evidence, carriers, what clears it',
    tag: 'marks',
    role: 'viewer',
    params: mark,
    response: markDetail,
  }),
  createMark: route({
    method: 'POST',
    path: '/api/v1/marks',
    summary: 'Mark commits as bad',
    tag: 'marks',
    role: 'operator',
    query: waitQuery,
    body: z.strictObject({
      repository: basics.name,
      commits: z.array(basics.commitish).min(1).max(1000),
      /** Services whose builds are blocked; default: all of the repository. */
      targets: z.array(basics.name).max(100).optional(),
      reason,
    }),
    status: 202,
    response: commandView,
    idempotent: true,
  }),
  clearMark: route({
    method: 'POST',
    path: '/api/v1/marks/:mark/clear',
    summary: 'Declare a mark wrong or done with: it blocks nothing any more',
    tag: 'marks',
    role: 'operator',
    params: mark,
    query: waitQuery,
    body: withReason,
    status: 202,
    response: commandView,
    idempotent: true,
  }),
  fixMark: route({
    method: 'POST',
    path: '/api/v1/marks/:mark/fixes',
    summary: 'Name a commit that fixes it: builds that contain it are free',
    tag: 'marks',
    role: 'operator',
    params: mark,
    query: waitQuery,
    body: z.strictObject({ commit: basics.commitish, reason: optionalReason }),
    status: 202,
    response: commandView,
    idempotent: true,
  }),
  overrideMark: route({
    method: 'POST',
    path: '/api/v1/marks/:mark/overrides',
    summary: 'Let one version through in spite of the mark',
    tag: 'marks',
    role: 'admin',
    params: mark,
    query: waitQuery,
    body: z.strictObject({ version: basics.versionIdText, reason }),
    status: 202,
    response: commandView,
    idempotent: true,
  }),
  listCarriers: route({
    method: 'GET',
    path: '/api/v1/carriers',
    summary: 'Versions that carry a live mark, and where they run',
    tag: 'marks',
    role: 'viewer',
    response: z.object({ items: z.array(carrierView) }),
  }),

  // ------------------------------------------------------------ repositories
  listRepositories: route({
    method: 'GET',
    path: '/api/v1/repositories',
    summary: 'Repositories that are watched',
    tag: 'repositories',
    role: 'viewer',
    response: z.object({ items: z.array(repositoryView) }),
  }),
  registerRepository: route({
    method: 'POST',
    path: '/api/v1/repositories',
    summary: 'Watch a repository: a path on the server’s machine or an address Git can fetch',
    tag: 'repositories',
    role: 'operator',
    body: z.strictObject({
      /** Default: from the address. */
      name: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'lower-case letters, digits, dots, hyphens')
        .optional(),
      url: z.string().min(1).max(2000),
      branch: z.string().min(1).max(200).default('main'),
    }),
    status: 201,
    response: repositoryView,
    idempotent: true,
  }),
  readRepository: route({
    method: 'POST',
    path: '/api/v1/repositories/:repository/read',
    summary: 'Look for new commits now instead of at the next poll',
    tag: 'repositories',
    role: 'operator',
    params: repository,
    status: 202,
    response: repositoryView,
  }),
  uploadBundle: route({
    method: 'POST',
    path: '/api/v1/repositories/:repository/bundles',
    summary: 'Bring commits that the remote lacks, as a Git bundle',
    tag: 'repositories',
    role: 'operator',
    params: repository,
    /** What the bundle is to bring. */
    query: z.strictObject({ commit: basics.commitId }),
    bytes: { maxBytes: 256 * 1024 * 1024 },
    status: 201,
    response: basics.commitRef,
  }),
  listKnownCommits: route({
    method: 'POST',
    path: '/api/v1/repositories/:repository/known-commits',
    summary: 'Which of these commits the server has, so that only what is missing is sent',
    tag: 'repositories',
    role: 'operator',
    params: repository,
    body: z.strictObject({ commits: z.array(basics.commitId).max(1000) }),
    response: z.object({ commits: z.array(z.string()) }),
  }),
  findCommit: route({
    method: 'GET',
    path: '/api/v1/repositories/:repository/commits/:commit',
    summary: 'Whether the server has a commit',
    tag: 'repositories',
    role: 'viewer',
    params: repository.extend({ commit: basics.commitish }),
    response: basics.commitRef,
  }),

  // ------------------------------------------------------------ hosts
  listHosts: route({
    method: 'GET',
    path: '/api/v1/hosts',
    summary: 'Hosts by region and rack: capacity, tasks, silence',
    tag: 'hosts',
    role: 'viewer',
    response: z.object({ items: z.array(hostView) }),
  }),
  getHost: route({
    method: 'GET',
    path: '/api/v1/hosts/:host',
    summary: 'One host',
    tag: 'hosts',
    role: 'viewer',
    params: host,
    response: hostView,
  }),
  declareHostDead: route({
    method: 'POST',
    path: '/api/v1/hosts/:host/dead',
    summary: 'Declare that nothing runs there any more: its tasks may start elsewhere',
    tag: 'hosts',
    role: 'operator',
    params: host,
    body: withReason,
    status: 202,
    response: hostView,
  }),
  leaveHost: route({
    method: 'POST',
    path: '/api/v1/hosts/:host/leave',
    summary: 'Move its tasks away within the budget, then let it go',
    tag: 'hosts',
    role: 'operator',
    params: host,
    body: withReason,
    status: 202,
    response: hostView,
  }),
  stayHost: route({
    method: 'POST',
    path: '/api/v1/hosts/:host/stay',
    summary: 'It does not leave after all',
    tag: 'hosts',
    role: 'operator',
    params: host,
    body: withReason,
    response: hostView,
  }),
  planMaintenance: route({
    method: 'POST',
    path: '/api/v1/maintenances/plan',
    summary: 'What work on a host or domain would mean for the tasks there; changes nothing',
    tag: 'hosts',
    role: 'viewer',
    body: z.strictObject({ ...maintenanceWish, reason: basics.optionalReason }),
    response: maintenancePlanView,
  }),
  openMaintenance: route({
    method: 'POST',
    path: '/api/v1/maintenances',
    summary: 'Announce work on a host or domain: its tasks leave in time, or wait for it',
    tag: 'hosts',
    role: 'operator',
    body: z.strictObject(maintenanceWish),
    status: 201,
    response: maintenanceView,
    idempotent: true,
  }),
  listMaintenances: route({
    method: 'GET',
    path: '/api/v1/maintenances',
    summary: 'Open maintenance; with ended=1 also the newest that are over',
    tag: 'hosts',
    role: 'viewer',
    query: z.strictObject({ ended: z.enum(['0', '1']).default('0') }),
    response: z.object({ items: z.array(maintenanceView) }),
  }),
  getMaintenance: route({
    method: 'GET',
    path: '/api/v1/maintenances/:maintenance',
    summary: 'How far it is, what still runs there, and why',
    tag: 'hosts',
    role: 'viewer',
    params: maintenance,
    response: maintenanceView,
  }),
  extendMaintenance: route({
    method: 'POST',
    path: '/api/v1/maintenances/:maintenance/extend',
    summary: 'Put the work off, or let it take longer',
    tag: 'hosts',
    role: 'operator',
    params: maintenance,
    body: z.strictObject({ untilMs: basics.instant.optional(), deadlineMs: basics.instant.optional(), reason }),
    response: maintenanceView,
  }),
  endMaintenance: route({
    method: 'POST',
    path: '/api/v1/maintenances/:maintenance/end',
    summary: 'The work is over: its hosts may be used again',
    tag: 'hosts',
    role: 'operator',
    params: maintenance,
    body: withReason,
    response: maintenanceView,
  }),
  cancelMaintenance: route({
    method: 'POST',
    path: '/api/v1/maintenances/:maintenance/cancel',
    summary: 'It does not take place; only before the work begins',
    tag: 'hosts',
    role: 'operator',
    params: maintenance,
    body: withReason,
    response: maintenanceView,
  }),
  removeHost: route({
    method: 'POST',
    path: '/api/v1/hosts/:host/remove',
    summary: 'Forget a host that is gone or leaving and has no tasks',
    tag: 'hosts',
    role: 'operator',
    params: host,
    body: withReason,
    status: 204,
  }),
  createJoinToken: route({
    method: 'POST',
    path: '/api/v1/join-tokens',
    summary: 'A token with which one host may join, once, within the hour',
    tag: 'hosts',
    role: 'admin',
    status: 201,
    response: joinToken,
  }),

  // ------------------------------------------------------------ why, what happened, how it is
  explain: route({
    method: 'GET',
    path: '/api/v1/explain/:kind/:id',
    summary: 'Why something is as it is or waits, and what will unblock it',
    tag: 'events',
    role: 'viewer',
    params: z.object({ kind: z.enum(['service', 'release', 'rollout', 'job', 'run']), id: z.string().min(1).max(200) }),
    response: explanation,
  }),
  listEvents: route({
    method: 'GET',
    path: '/api/v1/events',
    summary: 'Events in order of position; waits for the next when asked to',
    tag: 'events',
    role: 'viewer',
    query: z.strictObject({
      /** Events after this position. */
      after: queryInt(0, Number.MAX_SAFE_INTEGER).default(0),
      limit: queryInt(1, 1000).default(100),
      /** Only of this stream, e.g. `rollout/ro_…`. */
      stream: z.string().max(200).optional(),
      /** Only the newest so many of the stream; `after` and `limit` do not count then. */
      newest: queryInt(1, 1000).optional(),
      waitMs,
    }),
    response: z.object({ items: z.array(basics.eventView), position: z.number().int() }),
  }),
  live: route({
    method: 'GET',
    path: '/api/v1/live',
    summary: 'Server-sent events: snapshots of the topics, then deltas',
    tag: 'events',
    role: 'viewer',
    query: z.strictObject({
      /** Comma-separated. */
      topics: z
        .string()
        .max(4000)
        .transform((text) => text.split(',').filter((topic) => topic !== ''))
        .pipe(z.array(topicText).min(1).max(20)),
    }),
    stream: true,
  }),
  listFindings: route({
    method: 'GET',
    path: '/api/v1/findings',
    summary: 'What about the installation needs a look',
    tag: 'machine',
    role: 'viewer',
    response: z.object({ items: z.array(finding) }),
  }),
  getDoctor: route({
    method: 'GET',
    path: '/api/v1/doctor',
    summary: 'Checks of the server, its store, its hosts, and the findings',
    tag: 'machine',
    role: 'viewer',
    response: doctorReport,
  }),
  listParkedWork: route({
    method: 'GET',
    path: '/api/v1/work/parked',
    summary: 'Work that was set aside after repeated failures',
    tag: 'machine',
    role: 'viewer',
    response: z.object({ items: z.array(parkedWork) }),
  }),
  dropEffect: route({
    method: 'POST',
    path: '/api/v1/work/drop',
    summary: 'Say that a parked effect need not be tried again: it ends as failed, and what waits behind it goes on',
    tag: 'machine',
    role: 'operator',
    body: z.strictObject({ effect: z.string().min(1).max(400), reason }),
    response: z.object({ items: z.array(parkedWork) }),
  }),
  retryWork: route({
    method: 'POST',
    path: '/api/v1/work/retry',
    summary: 'Run parked work again',
    tag: 'machine',
    role: 'operator',
    body: z.strictObject({
      what: z.enum(['work', 'effect']),
      kind: z.string().min(1).max(200),
      key: z.string().min(1).max(400),
      reason: optionalReason,
    }),
    response: z.object({ items: z.array(parkedWork) }),
  }),

  // ------------------------------------------------------------ the judge
  discoverChecks: route({
    method: 'GET',
    path: '/api/v1/services/:service/judge',
    summary: 'What the judge found of a service’s jobs, and which checks it would run',
    tag: 'judge',
    role: 'viewer',
    params: service,
    response: z.object({ items: z.array(judgeDiscovery) }),
  }),
  getTrustRecord: route({
    method: 'GET',
    path: '/api/v1/services/:service/judge/record',
    summary: 'How each check has done over the last rollouts, and what it should become',
    tag: 'judge',
    role: 'viewer',
    params: service,
    response: z.object({
      items: z.array(trustView),
      alarms: z.array(alarmView),
      calibrations: z.array(calibrationTurnView),
    }),
  }),
  tuneJudge: route({
    method: 'GET',
    path: '/api/v1/services/:service/judge/tune',
    summary: 'What another setting would have said of the rollouts whose samples are kept',
    tag: 'judge',
    role: 'viewer',
    params: service,
    query: z.strictObject({
      alpha: z.coerce.number().gt(0).lt(0.5).optional(),
      /** Only of this check: its δ and margin. */
      check: z.string().max(100).optional(),
      delta: z.coerce.number().nonnegative().optional(),
      margin: z.coerce.number().positive().optional(),
    }),
    response: z.object({ items: z.array(tunedRollout) }),
  }),
  calibrateJudge: route({
    method: 'POST',
    path: '/api/v1/services/:service/judge/calibrate',
    summary: 'Try the checks on rollouts that never were, over the newest time in which nothing was deployed',
    tag: 'judge',
    role: 'operator',
    params: service,
    body: z.strictObject({ runs: z.number().int().min(20).max(400).optional() }),
    response: z.object({ items: z.array(calibrationView) }),
  }),
  replayRollout: route({
    method: 'GET',
    path: '/api/v1/rollouts/:rollout/replay',
    summary: 'Judge each look again from what it was made from, and compare',
    tag: 'judge',
    role: 'viewer',
    params: rollout,
    response: replayView,
  }),
  labelVerdict: route({
    method: 'POST',
    path: '/api/v1/rollouts/:rollout/label',
    summary: 'Say afterwards whether the judge was right about a rollout',
    tag: 'judge',
    role: 'operator',
    params: rollout,
    body: z.strictObject({ isTrue: z.boolean(), reason: optionalReason }),
    status: 204,
  }),

  // ------------------------------------------------------------ metrics
  pushSamples: route({
    method: 'POST',
    path: '/api/v1/samples',
    summary: 'Hand in metrics of tasks; what is refused is counted, with the first few reasons',
    tag: 'metrics',
    role: 'push',
    body: pushBody,
    response: pushAnswer,
  }),

  // ------------------------------------------------------------ people
  signIn: route({
    method: 'POST',
    path: '/api/v1/session',
    summary: 'Exchange a single-use code for the session cookie',
    tag: 'people',
    role: 'public',
    body: z.strictObject({ code: z.string().min(1).max(200) }),
    status: 201,
    response: person,
  }),
  signOut: route({
    method: 'DELETE',
    path: '/api/v1/session',
    summary: 'End the session',
    tag: 'people',
    role: 'viewer',
    status: 204,
  }),
  getMe: route({
    method: 'GET',
    path: '/api/v1/me',
    summary: 'Who is asking, and with what role',
    tag: 'people',
    role: 'viewer',
    response: person,
  }),
  createSignInCode: route({
    method: 'POST',
    path: '/api/v1/sign-in-codes',
    summary: 'A code that signs a browser in as oneself, once, within ten minutes',
    tag: 'people',
    role: 'viewer',
    status: 201,
    response: z.object({
      code: z.string(),
      /** The code stands in the fragment, which browsers do not send. */
      url: z.string(),
      expiresAtMs: basics.instant,
    }),
  }),
  listTokens: route({
    method: 'GET',
    path: '/api/v1/tokens',
    summary: 'Tokens of people and programs; never their secrets',
    tag: 'people',
    role: 'admin',
    response: z.object({ items: z.array(tokenView) }),
  }),
  createToken: route({
    method: 'POST',
    path: '/api/v1/tokens',
    summary: 'Make a token; its secret is shown this once',
    tag: 'people',
    role: 'admin',
    body: z
      .strictObject({
        name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/, 'letters, digits, and . _ @ -'),
        role: z.enum(['viewer', 'operator', 'admin', 'push']),
        /** Of a `push` token: whose metrics it may hand in, `shop@production` or `shop@production/3`; default: all. */
        scope: z
          .string()
          .regex(/^[a-z][a-z0-9-]*@[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)?(\/\d{1,6})?$/, 'a job or a task')
          .optional(),
        expiresInMs: z.number().int().min(1000).max(31_622_400_000).optional(),
      })
      .refine(({ role, scope }) => scope === undefined || role === 'push', 'only a push token has a scope'),
    status: 201,
    response: tokenView.extend({ secret: z.string() }),
  }),
  deleteToken: route({
    method: 'DELETE',
    path: '/api/v1/tokens/:token',
    summary: 'Take a token away; its sessions end too',
    tag: 'people',
    role: 'admin',
    params: z.object({ token: basics.tokenId }),
    status: 204,
  }),
} as const;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
