/**
 * Seeds of plain scenarios that once broke a promise, and what was wrong. They run with every test. What was found
 * since then is kept as scripts (`scripts/`): their meaning does not change with what seeds mean.
 */
export const regressions: readonly { readonly seed: number; readonly was: string }[] = [
  { seed: 10137, was: 'a hold that was to end by itself set no timer' },
  { seed: 17720, was: 'a frozen host finished, after its thaw, what had been cancelled while it was frozen' },
  { seed: 71, was: 'an incarnation that was replaced on a silent host was stopped again and again' },
  { seed: 859, was: 'a replacement was placed beside an older incarnation that was still there, and refused for ever' },
  { seed: 345, was: 'an index that had left the job went on counting against its budget' },
  { seed: 8438, was: 'a superseded incarnation was counted as the task when its replacement had just died' },
  { seed: 2886, was: 'a phase passed while its only task was away' },
  { seed: 570, was: 'a revert that failures had left no budget for had no exit' },
  { seed: 1406, was: 'a rollback that could not be reverted was held without an exit' },
  { seed: 181354, was: 'a start was tried again and again on the one host that could not fetch the package' },
  { seed: 57714, was: 'an agent that stopped a task for a smaller job did not look whether it was still out' },
  { seed: 135, was: 'a rollback to a version that ran everywhere took everybody in its first phase' },
];

/** The same at the depth of the whole. */
export const wholeRegressions: readonly { readonly seed: number; readonly was: string }[] = [
  { seed: 14, was: 'a job with failed tasks only was not told when their host came back' },
  { seed: 190, was: 'what had begun before a pause was neither kept nor taken back' },
];
