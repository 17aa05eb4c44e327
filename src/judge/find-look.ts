import type { BinTable } from './bin-table.ts';
import type { JudgeOptions } from './judge-options.ts';
import { dueLook, passShareOfLook, shareOfLook, updatingShare } from './looks.ts';
import type { PhaseMemory } from './phase-memory.ts';
import type { JudgePlan } from './port.ts';

/** Bins over which looks while updating are planned. */
const plannedUpdating = 40;

/** A planned look that is due: only then something is decided. */
export interface Look {
  readonly stage: 'updating' | 'baking';
  readonly age: number;
  /** Of the phase's α. */
  readonly share: number;
  /** Of the chance of passing wrongly. */
  readonly passShare: number;
  /** The planned bake ends with it. */
  readonly isEnd: boolean;
}

/** Which planned look is due, if any: ages count usable bins, from the phase's start, or from its last update. */
export function findLook(
  plan: JudgePlan,
  table: BinTable,
  memory: PhaseMemory,
  nowMs: number,
  options: JudgeOptions,
): Look | undefined {
  const { binMs, warmupMs } = plan.spec;
  const warmupBins = Math.max(1, Math.ceil(warmupMs / binMs));
  const end = table.firstBin + table.bins;
  const stage = plan.updatedAtMs !== undefined && plan.updatedAtMs < end * binMs ? 'baking' : 'updating';
  const startMs = stage === 'baking' ? plan.updatedAtMs! : plan.phaseStartedAtMs;
  const age = end - Math.ceil(startMs / binMs) - warmupBins;
  // How long updating takes nobody knows beforehand.
  const bakeBins = Math.floor((plan.deadlineAtMs - startMs) / binMs) - warmupBins;
  const looks = options.planLooks(stage === 'baking' ? bakeBins : plannedUpdating);
  // Bins close some seconds late. The phase ends with the first judgement after its bake: the look that stands at the
  // end is taken then, on the bins there are.
  const isOver = stage === 'baking' && nowMs >= plan.deadlineAtMs && age >= 1;
  const due = dueLook(looks, isOver ? Math.max(age, looks.ages[looks.last]!) : age, memory.used[stage]);
  if (due === undefined) return undefined;
  const share = shareOfLook(looks, due);
  const part = stage === 'baking' ? 1 - memory.spentUpdating : updatingShare;
  const isEnd = stage === 'baking' && due >= looks.ages[looks.last]!;
  const passShare = stage === 'baking' ? passShareOfLook(looks, due) : share;
  return { stage, age: due, share: share * part, passShare, isEnd };
}
