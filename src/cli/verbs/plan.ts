import type { BacktestView, JobPlan, PlanView } from '../../api/index.ts';
import { dirtyFiles, writeFileAtomic } from '../../io/index.ts';
import { formatDuration } from '../../kit/index.ts';
import { ProblemError, problem } from '../../model/index.ts';
import { bringCommit } from '../bring-commit.ts';
import { scatterLines, scatterSvg } from '../render/scatter.ts';
import { shortCommit } from '../render/words.ts';
import type { Session } from '../session.ts';
import { findService } from '../subject.ts';
import { findRepository, resolveCommit, unwrap } from '../working-copy.ts';

interface Flags {
  readonly service?: string;
  readonly environment?: string;
  readonly job?: string;
  readonly backtest?: boolean;
  readonly svg?: string;
}

export async function run(session: Session, [commit]: readonly string[], flags: Flags) {
  const service = await findService(session, flags.service);
  const body = {
    ...(await commitToPlan(session, commit, service)),
    ...(flags.environment === undefined ? {} : { environment: flags.environment }),
  };
  if (flags.svg !== undefined && flags.backtest !== true) {
    throw new ProblemError(problem('cli/unclear', '--svg is the picture of --backtest', {}, 'Add --backtest.'));
  }
  if (flags.backtest === true)
    return showBacktest(
      session,
      await session.client.backtestPlan({
        params: { service },
        body: { ...body, ...(flags.job === undefined ? {} : { job: flags.job }) },
      }),
      flags.svg,
    );
  const plan = await session.client.planDeploy({ params: { service }, body });
  const job = jobNamed(plan, flags.job);
  session.out.show(job ?? plan, () => {
    for (const line of job === undefined ? planLines(plan, session) : jobLines(job, session.out))
      session.out.line(line);
    session.out.next(`rollway deploy ${shortCommit(plan.commit)} --plan ${plan.hash}`);
  });
  return undefined;
}

/**
 * What `rollway deploy` would take: the commit that is checked out here. A service of another repository has none here:
 * then it is the newest that the server knows, and it is said so.
 */
async function commitToPlan(
  session: Session,
  named: string | undefined,
  service: string,
): Promise<{ commit?: string }> {
  const here = await findRepository();
  const { items } = here === undefined ? { items: [] } : await session.client.listRepositories();
  const mine = items.find(({ url, services }) => here?.addresses.includes(url) && services.includes(service));
  const { out } = session;
  if (here === undefined || mine === undefined) {
    if (named !== undefined) return { commit: await resolveCommit(named) };
    if (out.format === 'table')
      out.line(`! ${service} is of another repository than this folder: the newest commit that the server knows.`);
    return {};
  }
  const commit = await resolveCommit(named ?? 'HEAD');
  if (named === undefined && out.format === 'table') {
    const files = unwrap(await dirtyFiles(here.root));
    if (files.length > 0) out.line(`! Not committed, so not in this plan: ${files.slice(0, 10).join(', ')}.`);
  }
  await bringCommit(session, here, mine.name, commit);
  return { commit };
}

/** The part of the plan that speaks of one job; a problem when the environment has no such job. */
export function jobNamed(
  plan: Pick<PlanView, 'service' | 'environment' | 'together'>,
  name: string | undefined,
): JobPlan | undefined {
  if (name === undefined) return undefined;
  const where = `${plan.service}@${plan.environment}`;
  const jobs = plan.together?.jobs ?? [];
  const found = jobs.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = jobs.map((one) => one.name);
  const has = names.length === 0 ? 'has one job, without a name' : `has ${names.length} jobs: ${names.join(', ')}`;
  const remedy = names.length === 0 ? 'Leave --job out.' : 'Say one of these with --job, or leave it out.';
  throw new ProblemError(problem('cli/unclear', `${where} ${has}; there is no job ${name}`, {}, remedy));
}

async function showBacktest({ out }: Session, view: BacktestView, svg: string | undefined): Promise<undefined> {
  if (svg !== undefined) await writeFileAtomic(svg, scatterSvg(view.rows, `${view.job}: speed against exposure`));
  out.show(view, () => {
    const of = `${view.good} good and ${view.bad} bad releases`;
    out.line(`${out.style.bold(view.job)}  plans tried on ${of}, ${view.size} tasks`);
    for (const note of view.notes) out.line(`! ${note}`);
    out.line('');
    const rows = view.rows.map((row, at) => ({ ...row, mark: String.fromCharCode(65 + at) }));
    out.table(
      [
        { title: '', value: ({ mark }) => mark },
        { title: 'plan', value: ({ plan }) => plan },
        { title: 'to done', value: ({ doneMs }) => formatDuration(doneMs), align: 'right' },
        { title: 'exposed, mean', value: ({ meanExposed }) => meanExposed.toFixed(1), align: 'right' },
        { title: 'most', value: ({ mostExposed }) => String(mostExposed), align: 'right' },
        { title: 'task time on it', value: ({ exposedTaskMs }) => formatDuration(exposedTaskMs), align: 'right' },
        { title: 'let through', value: ({ missed }) => String(missed), align: 'right' },
      ],
      rows,
      'no plans',
    );
    out.line('');
    for (const line of scatterLines(view.rows)) out.line(line);
    if (svg !== undefined) out.line(`picture: ${svg}`);
  });
  return undefined;
}

const range = (estimate: { least: number; most: number }) =>
  `${formatDuration(estimate.least)} – ${formatDuration(estimate.most)}`;

function planLines(plan: PlanView, { out }: Session): string[] {
  const { together } = plan;
  const hash = out.style.dim(`plan ${plan.hash}`);
  if (together === null) return [...jobLines(plan, out), '', hash];
  const tasks = together.jobs.reduce((sum, job) => sum + job.size, 0);
  const where = `${plan.service}@${plan.environment}`;
  return [
    `${out.style.bold(where)}  ${shortCommit(plan.commit)} over ${together.jobs.length} jobs, ${tasks} tasks, ${range(plan.estimateMs)}`,
    `waves ${together.waves.map((wave) => wave.join(' + ')).join(' → ')}, barrier ${together.barrier}`,
    '',
    ...together.order.map(({ job, phase, startsMs, after }) => {
      const begins = startsMs.most === 0 ? 'at once' : `from ${range(startsMs)}`;
      const waits = after.length === 0 ? '' : `  after ${after.map((one) => `${one.job}/${one.phase}`).join(', ')}`;
      return `  ${`${job}/${phase}`.padEnd(24)} ${begins}${waits}`;
    }),
    ...together.jobs.flatMap((job) => ['', ...jobLines(job, out)]),
    '',
    hash,
  ];
}

function jobLines(plan: JobPlan, out: Session['out']): string[] {
  return [
    `${out.style.bold(plan.job)}  ${shortCommit(plan.commit)} over ${plan.size} tasks, budget ${plan.budget} out, ${range(plan.estimateMs)}`,
    ...plan.notes.map((note) => `! ${note}`),
    ...plan.limits.map((limit) => `limit: ${limit}`),
    ...plan.phases.flatMap((phase, i) => [
      '',
      `${i + 1}. ${out.style.bold(phase.name)}  +${phase.adds} → ${phase.members.length} of ${plan.size}, ${phase.concurrency} at a time, ≥ ${phase.servingAtLeast} of ${phase.of} serve, ${range(phase.estimateMs)}`,
      `   tasks ${ranges(phase.members)}`,
      ...phase.gates.map((gate) => `   gate: ${gate}`),
      ...phase.shows.map((line) => `   judge: ${line}`),
      `   on fail: ${phase.onFail}; undecided: ${phase.onUndecided}`,
      ...phase.notes.map((note) => `   ${out.style.dim(note)}`),
    ]),
  ];
}

/** `0–3, 7, 9–11` */
export function ranges(indices: readonly number[]): string {
  const sorted = [...indices].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (sorted[j + 1] === (sorted[j] as number) + 1) j++;
    parts.push(i === j ? `${sorted[i]}` : `${sorted[i]}–${sorted[j]}`);
    i = j + 1;
  }
  return parts.join(', ');
}
