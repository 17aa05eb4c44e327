import type { TaskControlSpec } from '../../model/index.ts';
import type { ControlFacts } from './facts.ts';

/** Whether a person has to hear of the controller: it is silent, or acks nothing of what waits, for too long. */
export function alarmOf(
  control: ControlFacts,
  { alarmAfterMs }: Pick<TaskControlSpec, 'alarmAfterMs'>,
  nowMs: number,
): ControlFacts['alarm'] {
  const isOver = (sinceMs: number | undefined): boolean => sinceMs !== undefined && nowMs - sinceMs >= alarmAfterMs;
  if (isOver(control.silentSinceMs)) return 'silent';
  return isOver(control.withheldSinceMs) ? 'withholding' : undefined;
}

/** When that would be, if nothing happens until then. */
export function alarmAtMs(
  control: ControlFacts,
  { alarmAfterMs }: Pick<TaskControlSpec, 'alarmAfterMs'>,
): number | undefined {
  if (control.alarm !== undefined) return undefined;
  const sinceMs = control.silentSinceMs ?? control.withheldSinceMs;
  return sinceMs === undefined ? undefined : sinceMs + alarmAfterMs;
}
