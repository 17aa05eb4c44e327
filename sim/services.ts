import { budgetOnly } from '../src/disruption/index.ts';
import { type Chance, pickOne, seededChance } from '../src/kit/index.ts';
import {
  type MaintenanceReply,
  maintenanceAnswers,
  type TaskControlRequest,
  type TaskControlResponse,
  type TaskControlSpec,
} from '../src/model/index.ts';

/** What is asked is the scenario's service, or `RunOptions.controller`. */
export const simulatedControl: TaskControlSpec = {
  kind: 'http',
  url: 'http://controller.invalid/',
  secretHeaders: {},
  timeoutMs: 2000,
  intervalMs: 2000,
  alarmAfterMs: 60_000,
};

/** How a service speaks for itself while faults go on. */
export const serviceVoices = ['acks-everything', 'one-at-a-time', 'flaky', 'silent', 'lies'] as const;
export type ServiceVoice = (typeof serviceVoices)[number];

/** Undefined stands for silence. */
export type SimulatedService = (request: TaskControlRequest, nowMs: number) => TaskControlResponse | undefined;

/** The service of a scenario; once all is calm it answers, and acks whatever is asked. */
export function serviceOf(voice: ServiceVoice, seed: number, calmAtMs: number): SimulatedService {
  const chance = seededChance(seed, 'service');
  const stays = seededChance(seed, 'stays');
  return (request, nowMs) => {
    if (nowMs >= calmAtMs) return budgetOnly(request);
    const reply = answer(voice, request, chance);
    return reply && { ...reply, maintenance: wishes(request, stays) };
  };
}

/** What it wants done with tasks under maintenance: for some notices nothing, for others now this and now that. */
function wishes({ advanceNotices }: TaskControlRequest, chance: Chance): MaintenanceReply[] {
  const told = advanceNotices.filter(() => chance.next() < 0.5);
  return told.map(({ id, tasks }) => ({
    notice: id,
    answer: pickOne(chance, maintenanceAnswers),
    ...(chance.next() < 0.5 ? { tasks: tasks.slice(0, 1) } : {}),
  }));
}

function answer(voice: ServiceVoice, request: TaskControlRequest, chance: Chance): TaskControlResponse | undefined {
  switch (voice) {
    case 'acks-everything':
      return budgetOnly(request);
    case 'one-at-a-time':
      return { ack: request.inFlight.length === 0 ? request.request.slice(0, 1).map(({ opId }) => opId) : [] };
    case 'flaky':
      if (chance.next() < 0.67) return undefined;
      return { ack: request.request.filter(() => chance.next() < 0.5).map(({ opId }) => opId) };
    case 'silent':
      return undefined;
    case 'lies':
      return {
        ack: [...budgetOnly(request).ack, ...request.inFlight.map(({ opId }) => opId), 'op_invented'],
        acknowledgedSequence: request.sequenceNumber + 1_000_000,
      };
  }
}
