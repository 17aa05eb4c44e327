import { type HostId, ProblemError, problem } from '../../model/index.ts';
import type { AgentContext } from './context.ts';

/** An agent spoke for somebody else: it gets 403, and the host's stream an event that people can find. */
export async function refuseForeign(context: AgentContext, host: HostId, what: string): Promise<never> {
  const reason = `${host} sent ${what}`.slice(0, 500);
  await context.engine.append({
    events: [
      { stream: `host/${host}`, type: 'host.spoke-for-another', actor: { kind: 'agent', host }, data: { reason } },
    ],
  });
  throw new ProblemError(problem('agent/foreign-host', `${reason}.`, { host }));
}
