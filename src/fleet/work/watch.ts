import type { Enqueue, WorkKind } from '../../engine/index.ts';
import { type NewEvent, rollway } from '../../model/index.ts';
import * as rows from '../rows.ts';
import { defaultSilenceRules, type HostChange, type SilenceRules, watchHosts } from '../silence.ts';
import { decideOn } from './wake.ts';

/** The one row of work that looks after silent hosts. */
export const fleetWatchWork: Enqueue = { kind: 'fleet/watch', key: 'fleet' };

/** Looks each heartbeat at who was heard, and wakes the jobs of hosts whose state changed. */
export function fleetWatch(rules: SilenceRules = defaultSilenceRules): WorkKind {
  return {
    kind: fleetWatchWork.kind,
    // Hosts are watched whatever happens: never set aside.
    maxAttempts: Number.MAX_SAFE_INTEGER,
    async run(turn) {
      const next: Enqueue = { ...fleetWatchWork, dueAtMs: turn.nowMs + rules.heartbeatMs };
      await turn.commit(async ({ tx, guard }) => {
        const hosts = await rows.listHosts(tx);
        const memory = await rows.loadWatchMemory(tx);
        const outcome = watchHosts(memory, hosts, await rows.listListeners(tx), turn.nowMs, rules);
        const work: Enqueue[] = [next];
        for (const { host } of outcome.changes) {
          await guard('host', host);
          work.push(...(await decideOn(tx, host)));
        }
        return {
          bump: outcome.changes.map(({ host }) => ({ kind: 'host', id: host })),
          write: async (writer) => {
            await rows.saveWatchMemory(writer, outcome.memory);
            for (const { host, to } of outcome.changes) await rows.updateHostState(writer, host, to, turn.nowMs);
          },
          events: [...outcome.changes.map(changeEvent), ...alarmEvents(outcome.alarm)],
          work,
          result: undefined,
        };
      });
    },
  };
}

function changeEvent({ host, from, to, reason }: HostChange): NewEvent {
  return { stream: `host/${host}`, type: `host.${to}`, actor: rollway('fleet'), data: { from, to, reason } };
}

function alarmEvents(alarm: 'mass-silence-began' | 'mass-silence-ended' | undefined): NewEvent[] {
  if (alarm === undefined) return [];
  const reason =
    alarm === 'mass-silence-began'
      ? 'More than half of the hosts fell silent together: nothing is moved, clients keep their entries.'
      : 'Most hosts are heard again.';
  return [{ stream: 'fleet', type: `fleet.${alarm}`, actor: rollway('fleet'), data: { reason } }];
}
