import type { Maintenance, MaintenanceAnswer } from '../model/index.ts';
import { scopeName } from '../model/index.ts';
import type { TaskPlace } from '../rollout/index.ts';

const doings: Readonly<Record<MaintenanceAnswer, string>> = {
  move: 'they move away first, from the same budget',
  hold: 'they are out meanwhile, which takes from the same budget, and are updated when they come back',
  ignore: 'they ride it out; what the work stops is out meanwhile, which takes from the same budget',
};

/** How work that is known now will make a rollout deviate from its plan: who is not where the plan sees him, or out. */
export function maintenanceNotes(
  open: readonly Maintenance[],
  places: readonly TaskPlace[],
  onMaintenance: MaintenanceAnswer,
): string[] {
  return open.flatMap((maintenance) => {
    const { id, hosts, scope, reason, deadlineAtMs, untilMs, waitsFor } = maintenance;
    const there = places.filter(({ host }) => host !== undefined && hosts.includes(host)).map(({ index }) => index);
    if (there.length === 0) return [];
    const who = there.length === 1 ? `Task ${there[0]} is` : `Tasks ${shortened(there)} are`;
    const when = waitsFor === undefined ? `from ${clock(deadlineAtMs)} to ${clock(untilMs)}` : 'when its turn comes';
    return [`${who} on ${scopeName(scope)}, which is worked on ${when} (${reason}; ${id}): ${doings[onMaintenance]}.`];
  });
}

const mostTold = 12;

function shortened(indices: readonly number[]): string {
  const told = indices.slice(0, mostTold).join(', ');
  return indices.length > mostTold ? `${told} and ${indices.length - mostTold} more` : told;
}

function clock(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
