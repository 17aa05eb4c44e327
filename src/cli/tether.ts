/**
 * Ties this process to the one that started it: a signal that is aborted when standard input ends, so that no child
 * of the demo outlives it, also when it was killed with SIGKILL.
 */
export function tetherSignal(): AbortSignal {
  const controller = new AbortController();
  const cut = () => controller.abort(new Error('the demo is gone'));
  process.stdin.on('end', cut).on('close', cut).on('error', cut);
  process.stdin.resume();
  // It tells of the end, but holds nobody back from ending.
  (process.stdin as unknown as { unref?: () => void }).unref?.();
  return controller.signal;
}
