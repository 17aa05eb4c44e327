/**
 * An ill host is not a bad version. Of few new tasks nobody can tell the two apart, so the worst is left out whatever it
 * shows. Of more, their own middle tells what the version does, and only those far above it are left out: leaving out
 * the worst of ten alike lowers what is seen by a sixth of their spread, which is what small regressions have.
 */
const fewForMiddle = 8;
/** Beyond the middle of the group, in its own deviations, at least in those that are expected. */
const farOut = 3;
const mostShare = 0.1;

/**
 * How many of the worst are left out. `worstFirst`: each task's difference in the deviations that old tasks let expect,
 * the largest first. Worked example: of ten tasks at 4, 1.2, 1, 0.6, 0.4, 0.1, 0, -0.3, -0.8, -1.1 the middle is 0.25 and
 * the deviation 1.1: one lies beyond 3.6.
 */
export function outliersAmong(worstFirst: readonly number[]): number {
  const n = worstFirst.length;
  if (n < fewForMiddle) return n < 2 ? 0 : 1;
  const middle = middleOf(worstFirst);
  const away = worstFirst.map((value) => Math.abs(value - middle)).sort((a, b) => b - a);
  const limit = middle + farOut * Math.max(1, 1.4826022185056018 * middleOf(away));
  const most = Math.max(1, Math.floor(n * mostShare));
  let out = 0;
  while (out < most && worstFirst[out]! > limit) out += 1;
  return out;
}

/** Whether the worst is left out although nothing is wrong with it. */
export function isWorstAlwaysOut(tasks: number): boolean {
  return tasks >= 2 && tasks < fewForMiddle;
}

function middleOf(sorted: readonly number[]): number {
  const at = (sorted.length - 1) / 2;
  return (sorted[Math.floor(at)]! + sorted[Math.ceil(at)]!) / 2;
}
