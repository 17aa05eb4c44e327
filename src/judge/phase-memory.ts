import type { Verdict } from '../model/index.ts';
import type { JudgeMemory, JudgePlan } from './port.ts';

/** What the judge keeps of one phase; plain JSON. */
export interface PhaseMemory {
  /** Ages at which looks were used, while tasks were being updated and after. */
  readonly used: { readonly updating: number; readonly baking: number };
  /** Share of the phase's α that looks while updating have spent; what is left is for those after. */
  readonly spentUpdating: number;
  /** Verdict per check at the last look; a failure stays. */
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** Of a failure that was found in a part of all: in which. */
  readonly failedIn?: Readonly<Record<string, string>>;
  /** Checks that had data on new tasks. */
  readonly hadData: readonly string[];
}

const emptyPhase: PhaseMemory = { used: { updating: 0, baking: 0 }, spentUpdating: 0, verdicts: {}, hadData: [] };

type Phases = Readonly<Record<string, PhaseMemory>>;

function phasesOf(memory: JudgeMemory | undefined): Phases {
  return (memory?.state.phases ?? {}) as Phases;
}

/** A phase that is tried again, after a person resumed it, is judged anew. */
function keyOf({ phase, phaseStartedAtMs }: JudgePlan): string {
  return `${phase}@${phaseStartedAtMs}`;
}

export function recallPhase(memory: JudgeMemory | undefined, plan: JudgePlan): PhaseMemory {
  return phasesOf(memory)[keyOf(plan)] ?? emptyPhase;
}

/** What the judge keeps of everything, with this phase as it is now. */
export function withPhase(memory: JudgeMemory | undefined, plan: JudgePlan, phase: PhaseMemory): JudgeMemory['state'] {
  return { ...memory?.state, phases: { ...phasesOf(memory), [keyOf(plan)]: phase } };
}
