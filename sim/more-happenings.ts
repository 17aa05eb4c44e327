import { type Chance, pickBelow, pickOne, seededChance } from '../src/kit/index.ts';
import { type PlanSpec, type RolloutState, rolloutCommands } from '../src/model/index.ts';
import type { Happening, Scenario } from './scenario.ts';
import { type ServiceVoice, serviceVoices } from './services.ts';

const windowMs = 90_000;
// A command that came later would change what all seeds mean: it has a stream of its own.
const firstCommands = rolloutCommands.filter((command) => command !== 'hold-after');
const busyStates: readonly RolloutState[] = ['waiting', 'running', 'held', 'held', 'reverting', 'reverting'];

/**
 * What came to the simulator later, from streams of its own, so that seeds that once failed still are what they were:
 * persons who act on what they see, hosts that are told to leave or declared dead, marks that are cleared, messages
 * that overtake each other, a server that is killed in the middle of something.
 */
export function moreHappenings(
  { seed, hosts, happenings }: Scenario,
  planOf: (chance: Chance) => PlanSpec,
): readonly Happening[] {
  const chance = seededChance(seed, 'more');
  const overrides = [
    ...rareCommands(seed),
    ...(voiceOf(seed) === undefined ? [] : twoPersons(seed)),
    ...maintenances(seed, hosts),
    ...racksUnderMaintenance(seed),
  ];
  if (chance.next() < 0.5) return overrides;
  const at = (): number => 2000 + pickBelow(chance, windowMs);
  const forMs = (): number => 1000 + pickBelow(chance, 40_000);
  const host = (): string => pickOne(chance, hosts).id;
  const list: Happening[] = [...overrides];
  const deployed = happenings.flatMap((one) => (one.kind === 'deploy' ? [one.to] : []));
  do {
    const draw = pickBelow(chance, 14);
    if (draw < 5) {
      const when = pickOne(chance, busyStates);
      list.push({ atMs: at(), kind: 'command', command: pickOne(chance, firstCommands), when });
    } else if (draw === 5) list.push({ atMs: at(), kind: 'host-leave', host: host(), forMs: forMs() });
    else if (draw === 6) {
      const [dead, diesAtMs] = [host(), at()];
      list.push({ atMs: diesAtMs, kind: 'host-death', host: dead, forMs: undefined });
      list.push({ atMs: diesAtMs + 4000 + pickBelow(chance, 40_000), kind: 'declare-dead', host: dead });
    } else if (draw === 7) {
      const [version, markedAtMs] = [pickOne(chance, deployed), at()];
      list.push({ atMs: markedAtMs, kind: 'mark', version });
      list.push({ atMs: markedAtMs + forMs(), kind: 'clear-mark', version });
    } else if (draw === 8) {
      list.push({ atMs: at(), kind: 'slow-network', maxLatencyMs: 500 + pickBelow(chance, 9000), forMs: forMs() });
    } else if (draw < 12) {
      const point = pickOne(chance, ['beforeCommit', 'afterCommit', 'afterEffect'] as const);
      list.push({ atMs: at(), kind: 'server-kill', point, after: pickBelow(chance, point === 'afterEffect' ? 5 : 40) });
    } else if (draw === 12) {
      const plan = planOf(chance);
      const holdAfter = pickOne(chance, plan.phases).name;
      const to = pickOne(chance, deployed);
      list.push({ atMs: at(), kind: 'deploy', to, plan, rolloutKind: 'deploy', holdAfter });
    } else list.push({ atMs: at(), kind: 'mark', version: pickOne(chance, deployed) });
  } while (chance.next() < 0.6);
  return list;
}

/** What persons seldom say, to rollouts that seldom are there. */
function rareCommands(seed: number): Happening[] {
  const chance = seededChance(seed, 'rare commands');
  if (chance.next() < 0.7) return [];
  const when = pickOne(chance, ['waiting', 'waiting', 'waiting', 'running', 'held'] as const);
  const command = pickOne(chance, ['hold-after', 'hold-after', 'raise-budget'] as const);
  return [{ atMs: 2000 + pickBelow(chance, windowMs), kind: 'command', command, when }];
}

/** Every eighth run has maintenance of several hosts whose times overlap: of a rack, or of whatever there is. */
function maintenances(seed: number, hosts: Scenario['hosts']): Happening[] {
  const chance = seededChance(seed, 'maintenances');
  if (chance.next() < 0.875) return [];
  const { rack } = pickOne(chance, hosts).labels;
  const some = chance.next() < 0.5 ? hosts.filter(({ labels }) => labels.rack === rack) : hosts.slice(0, 3);
  const fromMs = 2000 + pickBelow(chance, windowMs);
  const hostsStayUp = chance.next() < 0.5;
  return some.flatMap(({ id: host }): Happening[] => {
    const atMs = fromMs + pickBelow(chance, 15_000);
    const noticeMs = 5000 + pickBelow(chance, 70_000);
    const forMs = 10_000 + pickBelow(chance, 30_000);
    const work = { saidToTakeMs: pickBelow(chance, 60_000), hostsStayUp };
    const announced: Happening = { atMs, kind: 'maintenance', host, noticeMs, forMs, work };
    if (hostsStayUp || chance.next() < 0.5) return [announced];
    // Whoever works on it takes its power away, and gives it back before the work is over.
    return [announced, { atMs: atMs + noticeMs + 2000, kind: 'host-death', host, forMs: forMs - 4000 }];
  });
}

/** Two persons go on without the controller. */
function twoPersons(seed: number): Happening[] {
  const chance = seededChance(seed, 'two persons');
  const list: Happening[] = [];
  while (chance.next() < 0.6) {
    const atMs = 3000 + pickBelow(chance, windowMs);
    const [asks, confirms] = [pickOne(chance, busyStates), pickOne(chance, busyStates)];
    const isSame = chance.next() < 0.7;
    list.push({ atMs, kind: 'command', command: 'override-controller', when: asks });
    const when = isSame ? asks : confirms;
    list.push({ atMs: atMs + 100 + pickBelow(chance, 9000), kind: 'command', command: 'confirm-override', when });
  }
  return list;
}

/** One service in eight has a controller of its own. */
export function voiceOf(seed: number): ServiceVoice | undefined {
  const chance = seededChance(seed, 'voice');
  return chance.next() < 0.125 ? pickOne(chance, serviceVoices) : undefined;
}

/** In one run of eight a person works on racks: for half as long, as long, or twice as long as was said (TWC-6). */
function racksUnderMaintenance(seed: number): Happening[] {
  const chance = seededChance(seed, 'maintenance');
  if (chance.next() > 0.125) return [];
  const list: Happening[] = [];
  do {
    const saidMs = 10_000 + pickBelow(chance, 60_000);
    list.push({
      atMs: 2000 + pickBelow(chance, windowMs),
      kind: 'rack-maintenance',
      rack: pickOne(chance, ['a', 'b', 'c'] as const),
      leadMs: 1000 + pickBelow(chance, 60_000),
      saidMs,
      tookMs: Math.round(saidMs * pickOne(chance, [0.5, 1, 2] as const)),
      hostsStayUp: chance.next() < 0.5,
      isFixed: chance.next() < 0.3,
    });
  } while (chance.next() < 0.5);
  return list;
}
