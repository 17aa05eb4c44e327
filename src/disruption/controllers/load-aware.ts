import type { TaskControlRequest, TaskControlResponse } from '../../model/index.ts';

export interface LoadLimits {
  /** Below it there is no limit. */
  readonly low: number;
  /** From it on only `floor` tasks are out at once. */
  readonly high: number;
  readonly floor: number;
}

/**
 * Slower at peak: the mean load of the tasks says how many operations may be acked or under way at once. Between the
 * two limits it slides: at 0.725 of 0.6 … 0.85, half of what is asked for and under way, and never fewer than `floor`.
 * No load at all is the careful pace: `floor`.
 */
export function loadAware(
  request: TaskControlRequest,
  loads: readonly number[],
  limits: LoadLimits,
): TaskControlResponse {
  const inFlight = request.inFlight.length;
  const isKnown = loads.length > 0;
  const load = isKnown ? loads.reduce((sum, one) => sum + one, 0) / loads.length : Number.NaN;
  const most = mostAtOnce(load, limits, request.request.length + inFlight);
  const ack = request.request.slice(0, Math.max(0, most - inFlight)).map(({ opId }) => opId);
  const level = isKnown ? `is ${load.toFixed(2)}` : 'is not known';
  const why = `the load ${level}: ${most} at once, and ${inFlight} are in flight`;
  return { ack, reasons: Object.fromEntries(request.request.slice(ack.length).map(({ opId }) => [opId, why])) };
}

export function mostAtOnce(load: number, { low, high, floor }: LoadLimits, wanted: number): number {
  if (load < low) return wanted;
  if (!(load < high)) return floor;
  const share = (high - load) / (high - low);
  return Math.max(floor, Math.floor(share * wanted));
}
