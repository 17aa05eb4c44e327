import type { CarrierView, CommitRef, MarkSummary } from '../../api/index.ts';
import {
  type CarrierOverview,
  type CommitOverview,
  findMark,
  type MarkOverview,
  readCarriers,
  readMarks,
} from '../../blame/read.ts';
import { markKind } from '../../blame/work.ts';
import type { JobId, MarkId } from '../../model/index.ts';
import { readRepositories, readVersions } from '../../pipeline/read.ts';
import { readJob, readJobs } from '../../rollout/read.ts';
import type { Tx } from '../../store/index.ts';
import { bringCommit } from '../bring-commit.ts';
import { command } from '../commands.ts';
import type { Call, Handlers, ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import { pageOf } from '../pages.ts';
import { actorView } from '../views/events.ts';
import { versionRefs } from '../views/versions.ts';

/** Marks and carriers, and what a person says of them. */
export function markHandlers(context: ServerContext) {
  const { store } = context;

  const tell = async (
    id: string,
    name: string,
    given: object,
    reason: string | undefined,
    call: Call,
    waitMs: number,
  ) => {
    const mark = await store.read((tx) => findMark(tx, id as MarkId));
    if (!mark) return refuse('mark/unknown', `There is no mark ${id}.`);
    const wish = { kind: markKind, key: mark.repository, name, arguments: { mark: id, ...given }, reason };
    return command(context, wish, call, waitMs, 'mark/refused');
  };

  return {
    async listMarks({ query }) {
      return store.read(async (tx) => {
        const { repository, cursor: before, limit } = query;
        const page = pageOf(await readMarks(tx, { repository, before, limit: limit + 1 }), limit, ({ id }) => id);
        const items = page.items.map(markSummary);
        return {
          items: [...items.filter((mark) => mark.isLive), ...items.filter((mark) => !mark.isLive)],
          next: page.next,
        };
      });
    },
    async getMark({ params }) {
      return store.read(async (tx) => {
        const mark = await findMark(tx, params.mark as MarkId);
        if (!mark) return refuse('mark/unknown', `There is no mark ${params.mark}.`);
        return { ...markSummary(mark), carriers: await carrierViews(tx, mark.id), clearedBy: clearedBy(mark) };
      });
    },
    async createMark({ query, body }, call) {
      const { repository, commits, targets, reason } = body;
      const known = (await store.read(readRepositories)).find(({ name }) => name === repository);
      if (!known) return refuse('api/not-found', `There is no repository ${repository}.`);
      // A commit made a moment ago may not have been read yet.
      for (const commit of commits) {
        const found = await context.git.resolve(known.location, commit, call.signal);
        if (found.ok) await bringCommit(context, repository, found.value, call);
      }
      const wish = { kind: markKind, key: repository, name: 'mark', arguments: { commits, targets }, reason };
      return command(context, wish, call, query.waitMs, 'mark/refused');
    },
    async clearMark({ params, query, body }, call) {
      return tell(params.mark, 'clear', {}, body.reason, call, query.waitMs);
    },
    async fixMark({ params, query, body }, call) {
      return tell(params.mark, 'fix', { commit: body.commit }, body.reason, call, query.waitMs);
    },
    async overrideMark({ params, query, body }, call) {
      return tell(params.mark, 'override', { version: body.version }, body.reason, call, query.waitMs);
    },
    async listCarriers() {
      return store.read(async (tx) => ({ items: await carrierViews(tx) }));
    },
  } satisfies Partial<Handlers>;
}

export function markSummary(mark: MarkOverview): MarkSummary {
  const { cleared } = mark;
  return {
    id: mark.id,
    repository: mark.repository,
    isLive: cleared === undefined,
    candidates: mark.candidates.map(commitRef),
    targets: [...mark.targets],
    fixes: mark.fixes.map(commitRef),
    evidence: mark.evidence,
    rollout: mark.rollout ?? null,
    release: mark.release ?? null,
    createdBy: actorView(mark.createdBy),
    createdAtMs: mark.createdAtMs,
    cleared: cleared ? { by: actorView(cleared.by), reason: cleared.reason, atMs: cleared.atMs } : null,
  };
}

export function commitRef({ id, subject, author, atMs }: CommitOverview): CommitRef {
  return { id, subject, author, atMs: atMs ?? null };
}

function clearedBy(mark: MarkOverview): string {
  if (mark.cleared) return 'It was cleared by a person and blocks nothing.';
  const short = mark.candidates.map(({ id }) => id.slice(0, 10)).join(', ');
  const fixed =
    mark.fixes.length === 0
      ? ''
      : ` Builds that contain ${mark.fixes.map(({ id }) => id.slice(0, 10)).join(' or ')} are free.`;
  return `A commit with the trailer \`Rollway-Fixes: ${mark.id}\`, Git's own revert of ${short}, \`rollway mark fix\`, or \`rollway mark clear\` with a reason.${fixed}`;
}

/** Carriers with where they run, of one mark or of all. */
export async function carrierViews(tx: Tx, mark?: MarkId): Promise<CarrierView[]> {
  const carriers = await readCarriers(tx, mark);
  if (carriers.length === 0) return [];
  const ids = carriers.map(({ version }) => version);
  const versions = await versionRefs(tx, ids);
  const services = new Map((await readVersions(tx, ids)).map(({ id, service }) => [id, service]));
  const running = await runningVersions(tx);
  return carriers.flatMap((carrier) => {
    const version = versions.get(carrier.version);
    if (!version) return [];
    const service = services.get(carrier.version) ?? '';
    return [
      {
        mark: carrier.mark,
        version,
        service,
        running: running.get(carrier.version) ?? [],
        override: overrideView(carrier),
      },
    ];
  });
}

function overrideView({ override }: CarrierOverview): CarrierView['override'] {
  return override ? { by: actorView(override.by), reason: override.reason, atMs: override.atMs } : null;
}

/** Version → where tasks run it now. */
async function runningVersions(tx: Tx): Promise<Map<string, { job: JobId; indices: number[] }[]>> {
  const found = new Map<string, { job: JobId; indices: number[] }[]>();
  for (const { job } of await readJobs(tx)) {
    const screen = await readJob(tx, job.id);
    const indices = new Map<string, number[]>();
    for (const { version, index } of screen?.dots ?? []) {
      if (version !== undefined) indices.set(version, [...(indices.get(version) ?? []), index]);
    }
    for (const [version, at] of indices)
      found.set(version, [...(found.get(version) ?? []), { job: job.id, indices: at }]);
  }
  return found;
}
