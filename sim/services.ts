import { budgetOnly } from '../src/disruption/index.ts';
import { type Chance, seededChance } from '../src/kit/index.ts';
import type { TaskControlRequest, TaskControlResponse } from '../src/model/index.ts';

/** How a service speaks for itself while faults go on. */
export const serviceVoices = ['acks-everything', 'one-at-a-time', 'flaky', 'silent', 'lies'] as const;
export type ServiceVoice = (typeof serviceVoices)[number];

/** Undefined stands for silence. */
export type SimulatedService = (request: TaskControlRequest, nowMs: number) => TaskControlResponse | undefined;

/** The service of a scenario; once all is calm it answers, and acks whatever is asked. */
export function serviceOf(voice: ServiceVoice, seed: number, calmAtMs: number): SimulatedService {
  const chance = seededChance(seed, 'service');
  return (request, nowMs) => (nowMs >= calmAtMs ? budgetOnly(request) : answer(voice, request, chance));
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
