import type { TaskControlSpec } from '../../model/index.ts';
import type { LedgerOperation } from '../facts.ts';
import type { ControlFacts } from './facts.ts';

/** `The controller at http://10.0.0.7/taskcontrol`, `The controller leader-last`. Credentials in a URL are not shown. */
export function controllerName(spec: TaskControlSpec): string {
  return spec.kind === 'http' ? `The controller at ${bareUrl(spec.url)}` : `The controller ${spec.kind}`;
}

function bareUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** Why an operation that needs an ack does not go on, in one sentence. */
export function awaitedSentence(spec: TaskControlSpec, control: ControlFacts, operation: LedgerOperation): string {
  const who = controllerName(spec);
  if (control.silentSinceMs !== undefined) {
    const since = new Date(control.silentSinceMs).toISOString();
    return `${who} has not answered since ${since}: ${control.lastFailure ?? 'nothing came back'}.`;
  }
  const why = control.reasons[operation.id];
  const task = `${who} has not yet acked task ${operation.index}`;
  return why === undefined ? `${task}.` : `${task}: ${why.replace(/[.]$/, '')}.`;
}
