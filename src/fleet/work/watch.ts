import type { Enqueue, WorkKind } from '../../engine/index.ts';
import { type NewEvent, partsOfDriver, rollway } from '../../model/index.ts';
import * as rows from '../rows.ts';
import { defaultSilenceRules, type HostChange, type SilenceRules, type WatchOutcome, watchHosts } from '../silence.ts';
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
        // Its job says so at once, and goes on at once.
        for (const { driver } of outcome.drivers) {
          const job = partsOfDriver(driver)?.job;
          if (job !== undefined) work.push({ kind: 'job/decide', key: job });
        }
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
          events: [
            ...outcome.changes.map(changeEvent),
            ...alarmEvents(outcome.alarm),
            ...outcome.drivers.map(driverEvent),
          ],
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

function driverEvent({ driver, isSilent }: WatchOutcome['drivers'][number]): NewEvent {
  const reason = isSilent
    ? 'It does not answer: how its tasks are is not known. Nothing is moved, clients keep their entries.'
    : 'It answers again.';
  const type = isSilent ? 'fleet.driver-fell-silent' : 'fleet.driver-answers';
  return { stream: 'fleet', type, actor: rollway('fleet'), data: { driver, reason } };
}
