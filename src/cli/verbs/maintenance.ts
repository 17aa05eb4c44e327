import type { MaintenancePlanView, MaintenanceView } from '../../api/index.ts';
import { formatDuration, parseDuration } from '../../kit/index.ts';
import { type MaintenanceId, ProblemError, problem } from '../../model/index.ts';
import { once } from '../commands.ts';
import { ago } from '../render/time.ts';
import type { Session } from '../session.ts';
import { reasonOf } from '../subject.ts';
import { watchLoop } from '../watch.ts';

export interface OpenFlags {
  readonly domain?: string;
  readonly from?: string;
  readonly lead?: string;
  readonly for?: string;
  readonly until?: string;
  readonly hostsStayUp?: boolean;
  readonly fixed?: boolean;
  readonly plan?: boolean;
  readonly reason?: string;
  readonly watch?: boolean;
}

/** Shows what it means for the tasks there; unless only that is wanted, it is announced. */
export async function open(session: Session, [host]: readonly string[], flags: OpenFlags) {
  const { client, out } = session;
  const wish = wishOf(host, flags, Date.now());
  const plan = await client.planMaintenance({ body: wish });
  if (flags.plan === true) {
    out.show(plan, () => {
      for (const line of planLines(plan, session)) out.line(line);
    });
    return undefined;
  }
  const reason = reasonOf(flags, 'a maintenance');
  const opened = await client.openMaintenance({ body: { ...wish, reason } }, once());
  if (flags.watch === true) return watch(session, opened.id as MaintenanceId);
  out.show(opened, () => {
    for (const line of planLines(plan, session)) out.line(line);
    out.line(`${out.style.good('✓')} ${opened.id} is open. ${opened.sentence}`);
    out.next(`rollway maintenance show ${opened.id} --watch`);
  });
  return undefined;
}

export async function list(session: Session, _: readonly string[], flags: { all?: boolean }) {
  const { items } = await session.client.listMaintenances({ query: { ended: flags.all === true ? '1' : '0' } });
  const { out } = session;
  const nowMs = Date.now();
  out.show(items, () => {
    out.table(
      [
        { title: 'maintenance', value: (row) => row.id },
        { title: 'scope', value: (row) => row.scope },
        { title: 'state', value: (row) => row.state },
        { title: 'work begins', value: (row) => ago(row.deadlineAtMs, nowMs) },
        { title: 'until', value: (row) => ago(row.untilMs, nowMs) },
        { title: 'tasks', value: (row) => String(row.tasks.length), align: 'right' },
        { title: 'reason', value: (row) => row.reason },
      ],
      items,
      'Nothing is under maintenance.',
    );
    out.next(items[0] === undefined ? 'rollway hosts' : `rollway maintenance show ${items[0].id}`);
  });
  return undefined;
}

export async function show(session: Session, [id = '']: readonly string[], flags: { watch?: boolean }) {
  if (flags.watch === true) return watch(session, id as MaintenanceId);
  const found = await session.client.getMaintenance({ params: { maintenance: id as MaintenanceId } });
  session.out.show(found, () => {
    for (const line of lines(found, session)) session.out.line(line);
    session.out.next(nextOf(found));
  });
  return undefined;
}

function watch(session: Session, maintenance: MaintenanceId) {
  return watchLoop(
    session,
    () => session.client.getMaintenance({ params: { maintenance } }),
    (found) => lines(found, session),
    ({ endedAtMs }) => endedAtMs !== null,
  );
}

export async function end(session: Session, [id = '']: readonly string[], flags: { reason?: string }) {
  const body = { reason: reasonOf(flags, 'ending a maintenance') };
  const ended = await session.client.endMaintenance({ params: { maintenance: id as MaintenanceId }, body });
  session.out.show(ended, () => session.out.line(`${ended.scope} may be used again; tasks that waited come back.`));
  return undefined;
}

export async function cancel(session: Session, [id = '']: readonly string[], flags: { reason?: string }) {
  const body = { reason: reasonOf(flags, 'cancelling a maintenance') };
  const ended = await session.client.cancelMaintenance({ params: { maintenance: id as MaintenanceId }, body });
  session.out.show(ended, () => session.out.line(`${ended.id} does not take place; ${ended.scope} is free.`));
  return undefined;
}

export interface ExtendFlags {
  readonly until?: string;
  readonly deadline?: string;
  readonly reason?: string;
}

export async function extend(session: Session, [id = '']: readonly string[], flags: ExtendFlags) {
  const nowMs = Date.now();
  if (flags.until === undefined && flags.deadline === undefined) throw unclear('--until or --deadline', undefined);
  const body = {
    reason: reasonOf(flags, 'extending a maintenance'),
    ...(flags.until === undefined ? {} : { untilMs: readTime(flags.until, nowMs) }),
    ...(flags.deadline === undefined ? {} : { deadlineMs: readTime(flags.deadline, nowMs) }),
  };
  const found = await session.client.extendMaintenance({ params: { maintenance: id as MaintenanceId }, body });
  session.out.show(found, () => session.out.line(`${found.id}: ${found.sentence}`));
  return undefined;
}

function wishOf(host: string | undefined, flags: OpenFlags, nowMs: number) {
  const leadMs = flags.lead === undefined ? 900_000 : readSpan(flags.lead);
  const fromMs = flags.from === undefined ? undefined : readTime(flags.from, nowMs);
  return {
    ...scopeOf(host, flags.domain),
    ...(fromMs === undefined ? {} : { fromMs }),
    leadMs,
    forMs: lengthOf(flags, fromMs ?? nowMs + leadMs, nowMs),
    hostsStayUp: flags.hostsStayUp === true,
    fixed: flags.fixed === true,
  };
}

/** Milliseconds. Work that would be over before it begins is refused: it would be a slip of the hand. */
export function lengthOf(flags: OpenFlags, fromMs: number, nowMs: number): number {
  if ((flags.for === undefined) === (flags.until === undefined)) throw unclear('either --for or --until', undefined);
  if (flags.for !== undefined) return readSpan(flags.for);
  const forMs = readTime(flags.until as string, nowMs) - fromMs;
  if (forMs <= 0) throw unclear('a time after the work begins', flags.until, 'later with --until, or --for 1h');
  return forMs;
}

function scopeOf(host: string | undefined, domain: string | undefined) {
  if (host !== undefined && domain === undefined) return { host };
  const [, label, value] = /^([^=]+)=(.+)$/.exec(domain ?? '') ?? [];
  if (host !== undefined && domain !== undefined) throw unclear('one host, or a domain, not both', undefined);
  if (label === undefined || value === undefined) {
    throw unclear('one host, or a domain: --domain rack=a', domain);
  }
  return { domain: { label, value } };
}

function readSpan(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw unclear('a duration such as 30m or 1h30m', text);
  return ms;
}

/** `30m`: in so long; `14:30`: the next time the clock says that here; else a date with its time. */
export function readTime(text: string, nowMs: number): number {
  const span = parseDuration(text.replace(/^\+/, ''));
  if (span !== undefined) return nowMs + span;
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hours !== undefined && minutes !== undefined && Number(hours) < 24 && Number(minutes) < 60) {
    const at = new Date(nowMs);
    at.setHours(Number(hours), Number(minutes), 0, 0);
    if (at.getTime() <= nowMs) at.setDate(at.getDate() + 1);
    return at.getTime();
  }
  const atMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) throw unclear('a time: 30m (from now), 14:30, or 2027-01-31T14:30', text);
  return atMs;
}

function unclear(wanted: string, given: string | undefined, remedy = wanted): ProblemError {
  const detail = given === undefined ? `it needs ${wanted}` : `"${given}" is not ${wanted}`;
  return new ProblemError(problem('cli/unclear', detail, {}, `Say ${remedy}.`));
}

function planLines(plan: MaintenancePlanView, { out }: Session): string[] {
  const nowMs = Date.now();
  const { style } = out;
  const times = `tasks leave ${ago(plan.leaveAtMs, nowMs)}, the work begins ${ago(plan.deadlineAtMs, nowMs)} and takes ${formatDuration(plan.untilMs - plan.deadlineAtMs)}`;
  return [
    `${style.bold(plan.scope)}  ${plan.hosts.join(', ')}: ${times}`,
    ...(plan.waitsFor === null ? [] : [`! It waits its turn: ${plan.waitsFor} --fixed does not wait.`]),
    ...plan.notes.map((note) => `! ${note}`),
    ...plan.jobs.flatMap(({ job, budget, tasks }) => [
      `${style.bold(job)}  ${tasks.length} tasks there, budget ${budget} out`,
      ...tasks.map(({ index, host, answer, goesTo }) => {
        const where = answer === 'move' ? (goesTo === null ? 'nobody has room for it' : `→ ${goesTo}`) : wordOf[answer];
        return `  task ${index} on ${host}: ${where}`;
      }),
    ]),
  ];
}

const wordOf = { move: 'is moved', hold: 'is held: it stops and comes back', ignore: 'rides it out' } as const;

function lines(found: MaintenanceView, { out }: Session): string[] {
  const { style } = out;
  return [
    `${style.bold(found.scope)}  ${found.state}  ${style.dim(`${found.id}, ${found.openedBy}: ${found.reason}`)}`,
    found.sentence,
    ...(found.forced === 0 ? [] : [`! ${found.forced} stopped at the deadline, whatever the budget said (forced)`]),
    ...found.tasks.map(
      ({ job, index, host, state, sentence }) => `  ${job}/${index} on ${host} (${state}): ${sentence}`,
    ),
  ];
}

function nextOf({ id, state }: MaintenanceView): string {
  if (state === 'ended' || state === 'cancelled') return 'rollway hosts';
  return `rollway maintenance end ${id} --reason …`;
}
