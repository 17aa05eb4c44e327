/** When checks were tried by themselves, and when they are next; times as the reader writes them. */
export function explainCalibrationTurn(
  turn: { readonly atMs: number; readonly nextAtMs: number; readonly refused: string | undefined } | undefined,
  setting: 'auto' | 'off',
): string {
  if (setting === 'off') return 'Checks are not tried by themselves: judge.calibrate is off.';
  if (turn === undefined) return 'Checks are first tried by themselves an hour or two after a rollout that is judged.';
  const { atMs, nextAtMs, refused } = turn;
  const next = `next at ${minuteOf(nextAtMs)}`;
  if (refused === undefined) return `Checks were tried by themselves at ${minuteOf(atMs)}; ${next}.`;
  return `Checks could not be tried at ${minuteOf(atMs)}; ${next}. ${refused}`;
}

function minuteOf(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
