import type { ReleaseDetail } from '../../api/index.ts';
import { readCommits, readCommitsBetween } from '../../blame/read.ts';
import type { ActionRunId, ReleaseId } from '../../model/index.ts';
import {
  findRelease,
  findReleaseBefore,
  findRun,
  type ReleaseOverview,
  readReleases,
  readRuns,
  readServices,
  readSpecOfRelease,
} from '../../pipeline/read.ts';
import type { Tx } from '../../store/index.ts';
import type { AgentServer } from '../agents/index.ts';
import { command } from '../commands.ts';
import type { Call, Handlers, ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import { pageOf } from '../pages.ts';
import { actionRunView, pipelineView } from '../views/releases.ts';
import { waitFor } from '../wait.ts';
import { releaseSummaries } from './services.ts';

const commitsShown = 100;
const endedRuns: ReadonlySet<string> = new Set(['succeeded', 'failed', 'cancelled', 'skipped', 'parked']);

/** Releases, their action runs and logs, and what a person tells them. */
export function releaseHandlers(context: ServerContext, agents: AgentServer) {
  const { store } = context;

  const load = async (tx: Tx, id: ReleaseId): Promise<ReleaseOverview> =>
    (await findRelease(tx, id)) ?? refuse('release/unknown', `There is no release ${id}.`);

  const tell = async (
    id: ReleaseId,
    wish: { name: string; arguments: object; reason: string | undefined },
    call: Call,
    waitMs: number,
  ) => {
    const { service } = await store.read((tx) => load(tx, id));
    const row = {
      kind: 'pipeline/decide',
      key: service,
      name: wish.name,
      arguments: { release: id, ...wish.arguments },
      reason: wish.reason,
    };
    return command(context, row, call, waitMs, 'release/ended');
  };

  return {
    async listReleases({ params, query }) {
      return store.read(async (tx) => {
        const service = (await readServices(tx)).find(({ name }) => name === params.service);
        if (!service) return refuse('service/unknown', `There is no service ${params.service}.`);
        const found = await readReleases(tx, service.name, query.limit + 1, query.cursor);
        const page = pageOf(found, query.limit, ({ id }) => id);
        return { items: await releaseSummaries(tx, page.items, service.spec), next: page.next };
      });
    },
    async getRelease({ params }) {
      return store.read(async (tx) => detail(tx, await load(tx, params.release)));
    },
    async cancelRelease({ params, query, body }, call) {
      const { reason } = body;
      return tell(params.release, { name: 'cancel-release', arguments: { reason }, reason }, call, query.waitMs);
    },
    async retryRelease({ params, query, body }, call) {
      const { action, reason } = body;
      return tell(params.release, { name: 'retry', arguments: { action }, reason }, call, query.waitMs);
    },
    async getActionRun({ params }) {
      return store.read(async (tx) => {
        const run = await findRun(tx, params.run as ActionRunId);
        if (!run) return refuse('api/not-found', `There is no action run ${params.run}.`);
        return actionRunView(run, await readSpecOfRelease(tx, run.release));
      });
    },
    async readActionLog({ params, query }, { signal }) {
      const id = params.run as ActionRunId;
      const { offset, maxBytes } = query;
      const ask = async () => {
        const run = await store.read((tx) => findRun(tx, id));
        if (!run) return refuse('api/not-found', `There is no action run ${id}.`);
        const { bytes, sizeBytes } = await agents.actionLogs.read(id, offset, maxBytes);
        const { text, readBytes } = cutAtCharacter(bytes, maxBytes);
        return { isEnded: endedRuns.has(run.state), text, nextOffset: offset + readBytes, sizeBytes };
      };
      const limits = { waitMs: query.waitMs, signal, pollMs: 250 };
      const found = await waitFor(context, limits, ask, ({ text, isEnded }) => text !== '' || isEnded);
      const { text, nextOffset, sizeBytes } = found;
      const isComplete = found.isEnded && nextOffset >= sizeBytes;
      return { run: id, offset, nextOffset, sizeBytes, isComplete, text };
    },
  } satisfies Partial<Handlers>;

  async function detail(tx: Tx, release: ReleaseOverview): Promise<ReleaseDetail> {
    const spec = await readSpecOfRelease(tx, release.id);
    const service = (await readServices(tx)).find(({ name }) => name === release.service);
    const [summary] = await releaseSummaries(tx, [release], spec);
    if (!summary) return refuse('release/unknown', `There is no release ${release.id}.`);
    const runs = (await readRuns(tx, [release.id])).map((run) => actionRunView(run, spec));
    const before = await findReleaseBefore(tx, release);
    const { repository, commit } = release;
    const commits = before
      ? await readCommitsBetween(tx, repository, commit, [before.commit], commitsShown)
      : await readCommits(tx, repository, [commit]);
    const hasStopped = runs.some((run) => run.state === 'failed' || run.state === 'parked');
    const branch = service?.branch ?? 'main';
    return {
      ...summary,
      pipeline: spec
        ? pipelineView({ branch }, release.pipelineRevision, spec, [summary])
        : { revision: release.pipelineRevision, branch, trigger: 'continuous', nodes: [] },
      runs,
      commits: commits.map((one) => ({ id: one.id, subject: one.subject, author: one.author, atMs: one.atMs ?? null })),
      artifacts: runs.flatMap((run) => run.outputs),
      remedy: remedyOf(runs),
      commands: [
        ...(release.endedAtMs === undefined ? (['cancel'] as const) : []),
        ...(hasStopped || release.state === 'cancelled' ? (['retry'] as const) : []),
      ],
    };
  }
}

/** What a person does about a release that went no further. */
function remedyOf(runs: readonly ReleaseDetail['runs'][number][]): string | null {
  const stopped = runs.filter((run) => run.state === 'failed' || run.state === 'parked');
  if (stopped.length === 0) return null;
  if (stopped.some((run) => run.rollout !== null)) {
    return 'The rollout says what went wrong. A commit with the fix goes through by itself; this one can be tried again.';
  }
  return 'Read the log of the run that failed, then retry or cancel the release.';
}

/** Text of bytes that may end in the middle of a character: what is incomplete is left for the next call. */
function cutAtCharacter(bytes: Uint8Array, maxBytes: number): { text: string; readBytes: number } {
  let end = bytes.byteLength;
  if (end === maxBytes) {
    let back = 0;
    while (back < 3 && end - back > 0 && ((bytes[end - back - 1] ?? 0) & 0xc0) === 0x80) back += 1;
    const lead = bytes[end - back - 1] ?? 0;
    const wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (wanted > back + 1) end -= back + 1;
  }
  return { text: new TextDecoder().decode(bytes.subarray(0, end)), readBytes: end };
}
