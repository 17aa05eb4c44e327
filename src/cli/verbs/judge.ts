import { ProblemError, problem } from '../../model/index.ts';
import { exitCodes } from '../failure.ts';
import { checkPicture } from '../render/check-picture.ts';
import { plain } from '../render/style.ts';
import type { Session } from '../session.ts';
import { findRollout, findService } from '../subject.ts';

/** What was found of a service, and the checks that would run. */
export async function discover(session: Session, [named]: readonly string[]) {
  const service = await findService(session, named);
  const { items } = await session.client.discoverChecks({ params: { service } });
  const { out } = session;
  out.show({ items }, () => {
    for (const { job, metrics, checks, components, findings } of items) {
      out.line(out.style.bold(job));
      for (const text of findings) out.line(`  ! ${plain(text)}`);
      out.line(`  checks that would run:`);
      out.table(
        [
          { title: 'check', value: ({ name }) => name },
          { title: 'of', value: ({ of }) => plain(of) },
          { title: 'from', value: ({ from }) => from },
          { title: 'δ', value: ({ delta }) => percent(delta) },
          { title: 'margin', value: ({ margin }) => percent(margin) },
          { title: 'trust', value: ({ trust, critical }) => `${trust}${critical ? ', critical' : ''}` },
        ],
        checks,
        'none: basic checks only',
      );
      if (components.length > 0) {
        out.line(`  spans tell where latencies come from: ${components.map(plain).join(', ')}`);
      }
      out.line(`  metrics of the last ten minutes:`);
      const labelsOf = (labels: Readonly<Record<string, number>>) =>
        Object.entries(labels)
          .map(([label, values]) => `${plain(label)} (${values})`)
          .join(', ');
      out.table(
        [
          { title: 'metric', value: ({ metric }) => plain(metric) },
          { title: 'kind', value: ({ kind }) => kind },
          { title: 'tasks', value: ({ tasks }) => String(tasks) },
          { title: 'labels (values)', value: ({ labels }) => labelsOf(labels) },
        ],
        metrics,
        'none',
      );
    }
  });
  return undefined;
}

/** Both groups, the difference with its interval, the limit, sample size, verdict, and the tasks that drive it. */
export async function show(session: Session, [named]: readonly string[], flags: { service?: string }) {
  const rollout = await findRollout(session, named, { service: flags.service, isAny: true });
  const { job, verdict, checks } = await session.client.getRollout({ params: { rollout } });
  const { out } = session;
  out.show({ rollout, job, verdict, checks }, () => {
    out.line(`${out.style.bold(job)}  ${rollout}`);
    out.line(verdict === null ? 'The judge has not looked yet.' : `${verdict.verdict}: ${plain(verdict.sentence)}`);
    for (const check of checks) {
      out.line('');
      for (const line of checkPicture(check, out.style)) out.line(line);
    }
  });
  return undefined;
}

/** Judges every kept look again; the exit code says whether all were the same. */
export async function replay(session: Session, [named]: readonly string[], flags: { service?: string }) {
  const rollout = await findRollout(session, await rolloutOf(session, named), { service: flags.service, isAny: true });
  const view = await session.client.replayRollout({ params: { rollout } });
  const { out } = session;
  const kept = view.looks.filter(({ replayed }) => replayed !== null);
  const different = kept.filter(({ isEqual }) => !isEqual);
  out.show(view, () => {
    for (const { lookId, verdict, replayed, isEqual, different: checks } of view.looks) {
      const mark = replayed === null ? '–' : isEqual ? out.style.good('=') : out.style.bad('≠');
      const now = replayed === null ? 'not kept' : isEqual ? '' : `now ${replayed}: ${checks.join(', ')}`;
      out.line(`${mark} ${lookId}  ${verdict}  ${now}`.trimEnd());
    }
    out.line(`${kept.length - different.length} of ${kept.length} looks came out the same in every bit.`);
  });
  return different.length > 0 ? exitCodes.failed : undefined;
}

/** A release stands for its newest rollout. */
async function rolloutOf({ client }: Session, named: string | undefined): Promise<string | undefined> {
  if (!named?.startsWith('rel_')) return named;
  const { rollouts } = await client.getRelease({ params: { release: named as `rel_${string}` } });
  return rollouts.at(-1) ?? named;
}

/** Says afterwards whether the judge was right. */
export async function label(
  session: Session,
  [named, word]: readonly string[],
  flags: { service?: string; reason?: string },
) {
  const isTrue = readLabel(word);
  const rollout = await findRollout(session, await rolloutOf(session, named), { service: flags.service, isAny: true });
  const body = { isTrue, ...(flags.reason === undefined ? {} : { reason: flags.reason }) };
  await session.client.labelVerdict({ params: { rollout }, body });
  session.out.show({ rollout, isTrue }, () => {
    session.out.line(`${rollout}: the judge was ${isTrue ? 'right' : 'wrong'}.`);
    session.out.next(`rollway judge record`);
  });
  return undefined;
}

/** Only these two words: any other one would be a judgement that nobody made. */
export function readLabel(word: string | undefined): boolean {
  if (word === 'true' || word === 'false') return word === 'true';
  const detail = `"${word ?? ''}" is neither true (the judge was right) nor false (it was wrong)`;
  throw new ProblemError(problem('cli/unclear', detail, {}, 'Say true or false.'));
}

/** How each check has done, and what it should become. */
export async function record(session: Session, [named]: readonly string[]) {
  const service = await findService(session, named);
  const { items, calibrations } = await session.client.getTrustRecord({ params: { service } });
  const { out } = session;
  out.show({ items, calibrations }, () => {
    if (items.length === 0) out.line('No rollout was judged yet.');
    for (const { job, check, proposal, sentence, calibration } of items) {
      out.line(`${proposal === null ? ' ' : '→'} ${job}  ${plain(sentence)}`);
      if (calibration !== null) out.line(`    ${calibration.isHonest ? '' : '! '}${plain(calibration.sentence)}`);
      if (proposal !== null) out.next(`set trust: '${proposal}' for the check ${check} in the configuration`);
    }
    for (const { job, sentence } of calibrations) out.line(`  ${job}  ${sentence}`);
  });
  return undefined;
}

/** How often the checks alarm on rollouts that never were. */
export async function calibrate(session: Session, [named]: readonly string[], flags: { runs?: number }) {
  const service = await findService(session, named);
  const body = flags.runs === undefined ? {} : { runs: flags.runs };
  const { items } = await session.client.calibrateJudge({ params: { service }, body });
  const { out } = session;
  out.show({ items }, () => {
    for (const { job, runs, tasks, bins, refused, checks } of items) {
      out.line(refused === null ? `${out.style.bold(job)}  ${runs} runs over ${tasks} tasks and ${bins} bins` : job);
      if (refused !== null) out.line(`  ${refused}`);
      for (const { isHonest, sentence } of checks) {
        out.line(`  ${isHonest ? out.style.good('✓') : out.style.bad('!')} ${plain(sentence)}`);
      }
    }
  });
  return items.some(({ checks }) => checks.some(({ isHonest }) => !isHonest)) ? exitCodes.failed : undefined;
}

/** What another setting would have said of the rollouts that are kept. */
export async function tune(
  session: Session,
  [named]: readonly string[],
  flags: { alpha?: number; check?: string; delta?: number; margin?: number },
) {
  const service = await findService(session, named);
  const { alpha, check, delta, margin } = flags;
  const { items } = await session.client.tuneJudge({ params: { service }, query: { alpha, check, delta, margin } });
  const { out } = session;
  const failed = (at: number | null) => (at === null ? '–' : `look ${at}`);
  out.show({ items }, () =>
    out.table(
      [
        { title: 'rollout', value: ({ rollout }) => rollout },
        { title: 'looks', value: ({ looks }) => String(looks) },
        { title: 'said', value: ({ said }) => said },
        { title: 'failed at', value: ({ saidFailedAt }) => failed(saidFailedAt) },
        { title: 'would be', value: ({ tuned }) => tuned },
        { title: 'fails at', value: ({ tunedFailedAt }) => failed(tunedFailedAt) },
        { title: 'label', value: ({ label: of }) => (of === null ? '' : of ? 'right' : 'wrong') },
      ],
      items,
      'no rollout whose samples are kept',
    ),
  );
  return undefined;
}

function percent(value: number): string {
  return `${Number((value * 100).toPrecision(3))} %`;
}
