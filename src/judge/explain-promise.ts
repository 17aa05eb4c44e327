import { percent, share } from './explain.ts';
import type { CheckPromise, PhasePromise } from './port.ts';

/** `errors from 0.1 % to 0.6 % or more; latency: p99 +18 % or more; heap: nothing, 2 old tasks are too few` */
export function explainPromise({ checks }: PhasePromise): string {
  return checks.map(explainOne).join('; ');
}

/** For a list of gates: what the bake shows, and of which checks it cannot show the margin. */
export function promiseLines(promise: PhasePromise): string[] {
  const shown = promise.checks.filter(({ smallest }) => smallest !== undefined);
  const lines: string[] = [];
  if (shown.length > 0) lines.push(`with 80 % chance finds ${explainPromise({ ...promise, checks: shown })}`);
  for (const check of promise.checks) {
    if (check.smallest === undefined) lines.push(explainOne(check));
    else if (!check.canShowMargin) lines.push(`${check.check}: its margin is smaller than what this traffic can show`);
  }
  return lines;
}

function explainOne(promise: CheckPromise): string {
  const { check, smallest, oldLevel, why } = promise;
  if (smallest === undefined) return `${check}: nothing, ${why ?? 'there is too little traffic'}`;
  if (promise.isShare) {
    const before = oldLevel ?? 0;
    return `${check} from ${before === 0 ? '0 %' : share(before)} to ${share(Math.min(1, before + smallest))} or more`;
  }
  const name = promise.quantile === undefined ? '' : `p${Number((promise.quantile * 100).toPrecision(6))} `;
  return `${check}: ${name}${promise.worse === 'higher' ? '+' : '−'}${percent(smallest)} or more`;
}
