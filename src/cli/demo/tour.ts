import type { Client, MarkSummary, ReleaseSummary } from '../../api/index.ts';
import { formatDuration } from '../../kit/index.ts';
import type { ReleaseState } from '../../model/index.ts';
import { shortCommit } from '../render/words.ts';
import { pause } from '../watch.ts';
import { type GuestbookRepository, type TourCommit, tourCommits } from './guestbook-repository.ts';
import type { Load } from './load.ts';
import { narrate, type Scene } from './narrate.ts';
import type { Story } from './story.ts';

export interface TourOptions {
  readonly client: Client;
  readonly repository: GuestbookRepository;
  readonly story: Story;
  readonly load: Load;
  readonly signal: AbortSignal;
}

const service = 'guestbook';
/** A chapter that takes longer is told as stuck, with its reason. */
const patienceMs = 240_000;
const lookEveryMs = 250;

/**
 * The story of five commits. Every chapter looks first whether it has happened already, so that a tour that was cut
 * off goes on where it was. Returns whether it came to its good end.
 */
export async function runTour(options: TourOptions): Promise<boolean> {
  const { story } = options;
  const [first, warmer, pool, footer, fix] = tourCommits;
  const chapters = async () => {
    await chapter(options, first, ['succeeded'], 'the service: 12 tasks on 6 hosts');
    await chapter(options, warmer, ['succeeded'], 'an improvement');
    const bad = await chapter(options, pool, ['failed'], 'passes its tests, but loses 8 % of the requests under load');
    await tellMark(options, bad.commit);
    await chapter(options, footer, ['blocked'], 'built on top of the bad commit');
    await chapter(options, fix, ['succeeded'], 'the fix, says its trailer', bad.commit);
  };
  try {
    await chapters();
  } catch (error) {
    if (options.signal.aborted) return false;
    if (!(error instanceof Stuck)) throw error;
    story.tell('tour', error.message, 'bad');
    return false;
  }
  return true;
}

class Stuck extends Error {}

async function chapter(
  options: TourOptions,
  step: TourCommit,
  wanted: readonly ReleaseState[],
  what: string,
  fixes?: string,
): Promise<ReleaseSummary> {
  const { client, repository, story, signal } = options;
  const commit = await repository.commit(step, fixes);
  story.tell('commit', `${shortCommit(commit)} ${step.subject} – ${what}`, 'bold');
  await client.readRepository({ params: { repository: service } }).catch(() => undefined);
  const startedAtMs = Date.now();
  let scene: Scene | undefined;
  while (!signal.aborted) {
    const release = await findRelease(client, commit);
    const next = release === undefined ? undefined : await look(client, release);
    if (next !== undefined) {
      for (const line of narrate(scene, next)) story.tell(line.who, line.what, line.tone);
      scene = next;
      if (isThere(next, wanted)) return next.release;
      story.progress(progressOf(next, options.load));
    }
    if (isOver(next))
      throw new Stuck(
        `${shortCommit(commit)} ended as ${next?.release.state}: ${next?.release.why ?? 'see `rollway releases`'}`,
      );
    if (Date.now() - startedAtMs > patienceMs) {
      throw new Stuck(
        `nothing ended within ${formatDuration(patienceMs)}: ${next?.release.why ?? 'the commit has not become a release'}`,
      );
    }
    await pause(lookEveryMs, signal);
  }
  throw new Error('interrupted');
}

/** A failed release is over when its tasks are back too. */
function isThere({ release, rollout }: Scene, wanted: readonly ReleaseState[]): boolean {
  if (!wanted.includes(release.state)) return false;
  return release.state !== 'failed' || rollout?.state === 'reverted';
}

function isOver(scene: Scene | undefined): boolean {
  if (scene === undefined) return false;
  const { release, rollout } = scene;
  if (release.state === 'failed')
    return rollout === undefined || !['reverting', 'held', 'running'].includes(rollout.state);
  return release.state === 'cancelled' || release.state === 'succeeded';
}

async function findRelease(client: Client, commit: string): Promise<ReleaseSummary | undefined> {
  // Before the repository was read the first time there is no such service.
  const page = await client.listReleases({ params: { service }, query: { limit: 50 } }).catch(() => undefined);
  return page?.items.find((release) => release.commit === commit);
}

async function look(client: Client, summary: ReleaseSummary): Promise<Scene> {
  const release = await client.getRelease({ params: { release: summary.id } });
  const id = release.rollouts.at(-1);
  return { release, rollout: id === undefined ? undefined : await client.getRollout({ params: { rollout: id } }) };
}

function progressOf({ release, rollout }: Scene, load: Load): string {
  const sent = [...load.byVersion.values()].reduce((sum, entry) => sum + entry.sent, 0);
  const doing = rollout?.headline ?? release.runs.find((run) => run.state === 'running')?.action ?? release.state;
  return `${doing} · ${sent.toLocaleString('en-US')} requests`;
}

async function tellMark({ client, story, signal }: TourOptions, commit: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!signal.aborted && Date.now() < deadline) {
    const { items } = await client.listMarks({ query: { limit: 50 } });
    const mark = items.find((item: MarkSummary) => item.candidates.some((candidate) => candidate.id === commit));
    if (mark !== undefined) {
      story.tell(
        'mark',
        `${shortCommit(commit)} is marked bad; every build that contains it is blocked until a fix is in`,
        'held',
      );
      return;
    }
    await pause(lookEveryMs, signal);
  }
  if (!signal.aborted) throw new Stuck('the bad commit was not marked within a minute');
}
