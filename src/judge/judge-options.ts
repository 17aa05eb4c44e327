import { type LookPlan, planLooks } from './looks.ts';

/** Parts of the method that the bench switches off, to show what each is good for. */
export interface JudgeOptions {
  readonly planLooks: (plannedAge: number) => LookPlan;
  readonly leaveOneOut: boolean;
  readonly regions: boolean;
}
export const standard: JudgeOptions = { planLooks, leaveOneOut: true, regions: true };
