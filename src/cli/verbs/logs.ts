import { ProblemError, problem } from '../../model/index.ts';
import { plain } from '../render/style.ts';
import type { Session } from '../session.ts';
import { pause } from '../watch.ts';

interface Flags {
  readonly watch?: boolean;
  readonly lines: number;
}

export async function run(session: Session, [what = '']: readonly string[], flags: Flags) {
  if (what.startsWith('run_')) return followRun(session, what as `run_${string}`, flags);
  if (what.startsWith('rel_')) return followRun(session, await newestRun(session, what as `rel_${string}`), flags);
  const task = /^([a-z0-9-]+@[a-z0-9.-]+)\/(\d+)$/.exec(what);
  if (task === null) {
    throw new ProblemError(
      problem(
        'cli/unclear',
        `"${what}" names no log`,
        {},
        'Give a run (run_…), a release (rel_…) or a task (guestbook@production/3).',
      ),
    );
  }
  return showTask(session, task[1] as `${string}@${string}`, Number(task[2]), flags);
}

async function newestRun(session: Session, release: `rel_${string}`): Promise<`run_${string}`> {
  const { runs } = await session.client.getRelease({ params: { release } });
  const withLog = runs.filter((run) => run.hasLog);
  const chosen = withLog.findLast((run) => run.state === 'failed' || run.state === 'running') ?? withLog.at(-1);
  if (chosen === undefined) throw new ProblemError(problem('api/not-found', `release ${release} has no log yet`));
  return chosen.id;
}

async function followRun(session: Session, run: `run_${string}`, flags: Flags) {
  let offset = 0;
  for (;;) {
    const page = await session.client.readActionLog({
      params: { run },
      query: { offset, waitMs: flags.watch === true ? 5000 : 0 },
    });
    if (session.out.format === 'json') session.out.line(JSON.stringify(page));
    else if (page.text !== '') process.stdout.write(plain(page.text));
    offset = page.nextOffset;
    const isRead = page.nextOffset >= page.sizeBytes;
    if ((isRead && (page.isComplete || flags.watch !== true)) || session.signal.aborted) return undefined;
  }
}

async function showTask(session: Session, job: `${string}@${string}`, index: number, flags: Flags) {
  let seen: readonly string[] = [];
  for (;;) {
    const log = await session.client.readTaskLog({ params: { job, index }, query: { lines: flags.lines } });
    const texts = log.lines.map((line) => line.text);
    if (session.out.format === 'json') session.out.line(JSON.stringify(log));
    else for (const line of newLines(seen, texts)) session.out.line(plain(line));
    if (seen.length + texts.length === 0 && flags.watch !== true && session.out.format === 'table')
      session.out.line(session.out.style.dim(log.note ?? 'It has written nothing yet.'));
    seen = texts;
    if (flags.watch !== true || session.signal.aborted) return undefined;
    await pause(1000, session.signal);
  }
}

/** What `after` has that `before` did not show yet: the part behind the longest overlap. */
export function newLines(before: readonly string[], after: readonly string[]): readonly string[] {
  for (let overlap = Math.min(before.length, after.length); overlap > 0; overlap--) {
    const tail = before.slice(before.length - overlap);
    if (tail.every((line, i) => line === after[i])) return after.slice(overlap);
  }
  return after;
}
