import type { EffectKind, WorkKind } from '../engine/index.ts';
import { decideService } from './work/decide.ts';
import { pipelineEffects } from './work/effects.ts';
import { pollRepository } from './work/poll.ts';
import { decideKind, type PipelineWorld, pollKind } from './work/world.ts';

export { forgetCachedBuilds } from './rows.ts';
export {
  type DeployWish,
  type Entry,
  type EntryNames,
  nameRelease,
  type RepositoryWish,
  readRepository,
  registerRepository,
} from './work/enter.ts';
export { readWaits } from './work/load.ts';
export { decideKind, effectKinds, type PipelineWorld, pollKind } from './work/world.ts';

/**
 * The pipeline's work: `repository/poll` (key: repository) and `pipeline/decide` (key: service), and what they want
 * done outside. Commands to `pipeline/decide`: `cancel-release {release}`, `retry {release, action?}`,
 * `rollback {environment, to?}`, `end-hold {environment}`.
 */
export function pipelineWork(
  world: PipelineWorld,
  nowMs: () => number,
): { readonly work: readonly WorkKind[]; readonly effects: readonly EffectKind[] } {
  return {
    work: [
      { kind: pollKind, run: (turn) => pollRepository(world, turn) },
      { kind: decideKind, run: (turn) => decideService(world, turn) },
    ],
    effects: pipelineEffects(world, nowMs),
  };
}
