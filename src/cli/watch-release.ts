import type { ReleaseDetail, RolloutDetail } from '../api/index.ts';
import type { ReleaseId } from '../model/index.ts';
import { exitCodes } from './failure.ts';
import { rolloutLines } from './render/rollout.ts';
import { plain, type Style } from './render/style.ts';
import { shortCommit, stateWord } from './render/words.ts';
import type { Session } from './session.ts';
import { watchLoop } from './watch.ts';

interface Seen {
  readonly release: ReleaseDetail;
  readonly rollout: RolloutDetail | undefined;
}

const ends: Readonly<Record<string, number>> = {
  succeeded: exitCodes.done,
  failed: exitCodes.failed,
  cancelled: exitCodes.failed,
  superseded: exitCodes.failed,
};

/**
 * Shows a release until it ends or waits for a person; the exit code tells which. Ctrl-C only detaches.
 */
export async function watchRelease(session: Session, id: ReleaseId): Promise<number> {
  let last: Seen | undefined;
  const read = async (): Promise<Seen> => {
    const release = await session.client.getRelease({ params: { release: id } });
    const newest = release.rollouts.at(-1);
    return { release, rollout: newest === undefined ? undefined : await mostTelling(session, newest) };
  };
  await watchLoop(
    session,
    read,
    (seen) => {
      last = seen;
      return linesOf(seen, session.out.style);
    },
    (seen) => {
      last = seen;
      return seen.release.state in ends || isHeld(seen);
    },
    { isKnown: true },
  );
  const { out } = session;
  if (last === undefined) return exitCodes.error;
  const { release } = last;
  if (release.state in ends) {
    if (release.state !== 'succeeded') {
      await tellReasons(session, id);
      out.next(`rollway explain ${id}`);
    }
    return ends[release.state] ?? exitCodes.error;
  }
  if (isHeld(last)) {
    out.next(`rollway explain ${last.rollout?.hold ? last.rollout.id : id}`);
    return exitCodes.held;
  }
  out.next(`rollway explain ${id}  (stopped watching; the release goes on)`);
  return exitCodes.done;
}

/** Of rollouts that go together, the one that something happens to: it waits for a person, or it is at work. */
async function mostTelling({ client }: Session, newest: `ro_${string}`): Promise<RolloutDetail> {
  const detail = await client.getRollout({ params: { rollout: newest } });
  const members = detail.together?.members ?? [];
  const order = ['held', 'reverting', 'running', 'waiting'];
  const place = (state: string): number => (order.includes(state) ? order.indexOf(state) : order.length);
  const [first] = [...members].sort((a, b) => place(a.state) - place(b.state));
  if (first === undefined || first.rollout === newest) return detail;
  return client.getRollout({ params: { rollout: first.rollout } });
}

/** Everything that is wrong at once: a configuration may have more than one mistake. */
async function tellReasons({ client, out }: Session, id: ReleaseId): Promise<void> {
  if (out.format === 'json') return;
  const { reasons } = await client.explain({ params: { kind: 'release', id } });
  for (const reason of reasons) {
    out.line(`• ${plain(reason.sentence)}`);
    out.line(`  ${plain(reason.unblocker)}`);
  }
}

/** Waits for a person. What is blocked by another rollout, a window or the budget goes on by itself. */
function isHeld({ release, rollout }: Seen): boolean {
  const isMarked = release.state === 'blocked' && release.marks.length > 0;
  return rollout?.state === 'held' || release.runs.some((run) => run.state === 'parked') || isMarked;
}

const firstLine = (text: string) => text.split('\n', 1)[0] as string;

function linesOf({ release, rollout }: Seen, style: Style): string[] {
  const lines = [
    `${style.bold(`${release.service} ${shortCommit(release.commit)}`)} ${plain(release.subject)}  ${stateWord(release.state, style)}`,
    ...release.runs.map(
      (run) =>
        `  ${run.action.padEnd(16)} ${stateWord(run.state, style)}${run.reason === null ? '' : `  ${plain(firstLine(run.reason))}`}`,
    ),
  ];
  if (release.why !== null)
    lines.push(
      ...release.why
        .trimEnd()
        .split('\n')
        .map((line) => `  ${plain(line)}`),
    );
  return rollout === undefined ? lines : [...lines, '', ...rolloutLines(rollout, style)];
}
