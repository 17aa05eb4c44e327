import { type HostId, ProblemError, problem } from '../../model/index.ts';
import type { AgentContext } from './context.ts';

/** So many of these events a minute and host are enough for people; more would only fill the disk. */
const maxEventsPerMinute = 10;

/** An agent spoke for somebody else: it gets 403, and the host's stream an event that people can find. */
export async function refuseForeign(context: AgentContext, host: HostId, what: string): Promise<never> {
  const reason = `${host} sent ${what}`.slice(0, 500);
  const minute = Math.floor(context.clock.nowMs() / 60_000);
  const told = context.foreignEvents.get(host);
  const count = told?.minute === minute ? told.count + 1 : 1;
  context.foreignEvents.set(host, { minute, count });
  if (count > maxEventsPerMinute) throw new ProblemError(problem('agent/foreign-host', `${reason}.`, { host }));
  await context.engine.append({
    events: [
      { stream: `host/${host}`, type: 'host.spoke-for-another', actor: { kind: 'agent', host }, data: { reason } },
    ],
  });
  throw new ProblemError(problem('agent/foreign-host', `${reason}.`, { host }));
}
