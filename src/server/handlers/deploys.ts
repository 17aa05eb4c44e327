import type { ReleaseSummary, RepositoryView } from '../../api/index.ts';
import { makeId } from '../../kit/index.ts';
import { type Problem, ProblemError, type Result, type RolloutId } from '../../model/index.ts';
import { findRelease, readRepositories } from '../../pipeline/read.ts';
import {
  type DeployWish,
  decideKind,
  type Entry,
  type EntryNames,
  nameRelease,
  readRepository,
  registerRepository,
} from '../../pipeline/work.ts';
import { findRolloutFacts, readOthers } from '../../rollout/read.ts';
import { bringCommit } from '../bring-commit.ts';
import { command, commandAll } from '../commands.ts';
import type { Call, Handlers, ServerContext } from '../context.ts';
import { refuse, valueOrThrow } from '../errors.ts';
import { nameOfRepository } from '../repository-name.ts';
import { findService, planOf } from './plans.ts';
import { repositoryView } from './repositories.ts';
import { releaseSummaries } from './services.ts';

/** What enters the pipeline by a person's hand. */
export function deployHandlers(context: ServerContext) {
  const { store, engine, clock, chance, git, graphs, settings } = context;

  const names = (): EntryNames => {
    const nowMs = clock.nowMs();
    return { nowMs, id: (prefix) => makeId(prefix, nowMs, chance) };
  };

  async function enter<T>(entry: Entry<T>, call: Call): Promise<Result<T>> {
    const result = await engine.commitAs(call.actor, entry);
    return result ?? refuse('api/unavailable', 'The change could not be committed.');
  }

  /** The branch may have been faster than the person: then the rollout that is under way is told where to stop. */
  async function isToldToHold(
    refused: Problem,
    { holdAfter: phase, holdFor, forwardOnly, reason }: DeployWish,
    call: Call,
  ) {
    const id = refused.facts.rollout as RolloutId;
    if (refused.code !== 'release/already-rolling' || phase === undefined || forwardOnly === true) return false;
    const rollouts = await store.read(async (tx) => {
      const first = await findRolloutFacts(tx, id);
      return first === undefined ? [] : [first, ...(await readOthers(tx, first)).values()];
    });
    const live = rollouts.filter(({ endedAtMs }) => endedAtMs === undefined);
    if (live.length === 0) return false;
    const told = live.map(({ id: rollout, job: key, group }) => ({
      name: group?.name ?? '',
      wish: { kind: 'job/decide', key, name: 'hold-after', arguments: { rollout, phase, holdFor }, reason },
    }));
    await commandAll(context, told, call, 10_000, 'release/already-rolling');
    return true;
  }

  async function viewOf(name: string): Promise<RepositoryView> {
    return store.read(async (tx) => {
      const found = (await readRepositories(tx)).find((one) => one.name === name);
      return found ? repositoryView(tx, found) : refuse('repository/unknown', `There is no repository ${name}.`);
    });
  }

  return {
    async deploy({ params, body }, call): Promise<ReleaseSummary> {
      const { service, location } = await store.read((tx) => findService(tx, params.service));
      const commit = valueOrThrow(await git.resolve(location, body.commit, call.signal));
      if (body.planHash !== undefined) {
        const { hash } = await planOf(context, service.name, commit, body.environment, call.signal);
        if (hash !== body.planHash) {
          refuse('rollout/stale-plan', `The plan is now ${hash}.`, { wanted: body.planHash, now: hash });
        }
      }
      const { environment: onlyTo, holdAfter, holdFor, forwardOnly, reason } = body;
      if (holdFor !== undefined && holdAfter === undefined) {
        refuse('api/bad-request', 'body: holdFor: needs holdAfter, the phase after which it shall hold', {});
      }
      if (forwardOnly === true && !reason) refuse('rollout/needs-reason', 'Forward-only needs a reason.', {});
      const wish = { service: service.name, commit, onlyTo, holdAfter, holdFor, forwardOnly, reason };
      let named = await enter(nameRelease(graphs, names(), wish, call.actor), call);
      if (!named.ok && named.error.code === 'git/unknown-commit') {
        await bringCommit(context, service.repository, commit, call);
        named = await enter(nameRelease(graphs, names(), wish, call.actor), call);
      }
      if (!named.ok && (await isToldToHold(named.error, wish, call))) {
        named = await enter(
          nameRelease(graphs, names(), { ...wish, holdAfter: undefined, holdFor: undefined }, call.actor),
          call,
        );
      }
      if (!named.ok) throw new ProblemError(named.error);
      const { id } = named.value;
      return store.read(async (tx) => {
        const release = (await findRelease(tx, id)) ?? refuse('release/unknown', `There is no release ${id}.`);
        const [summary] = await releaseSummaries(tx, [release], service.spec);
        return summary ?? refuse('release/unknown', `There is no release ${id}.`);
      });
    },
    async rollBack({ params, query, body }, call) {
      const { service } = await store.read((tx) => findService(tx, params.service));
      const { environment, job, to, reason } = body;
      const given = { environment, job, to };
      const wish = { kind: decideKind, key: service.name, name: 'rollback', arguments: given, reason };
      return command(context, wish, call, query.waitMs, 'rollout/no-good-version');
    },
    async endHold({ params, query, body }, call) {
      const { service } = await store.read((tx) => findService(tx, params.service));
      const { environment, reason } = body;
      const wish = { kind: decideKind, key: service.name, name: 'end-hold', arguments: { environment }, reason };
      return command(context, wish, call, query.waitMs, 'pipeline/no-such-target');
    },
    async registerRepository({ body }, call) {
      const name = body.name ?? nameOfRepository(body.url);
      const wish = { name, location: body.url, branch: body.branch, pollEveryMs: settings.pollRepositoriesMs };
      valueOrThrow(await git.headOf(body.url, body.branch, call.signal));
      valueOrThrow(await enter(registerRepository(names(), wish, call.actor), call));
      return viewOf(name);
    },
    async readRepository({ params }, call) {
      valueOrThrow(await enter(readRepository(params.repository, undefined), call));
      return viewOf(params.repository);
    },
  } satisfies Partial<Handlers>;
}
