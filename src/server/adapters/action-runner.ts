import type { ActionRunner } from '../../pipeline/index.ts';
import type { AgentServer } from '../agents/index.ts';

/** Actions run on agents, never on the server's own machine account. */
export function actionRunner(agents: Pick<AgentServer, 'sendOrder'>): ActionRunner {
  return {
    async run(host, order, signal) {
      const commands = order.commands.map((argv) => [...argv]);
      const output = order.output && { include: [...order.output.include], exclude: [...order.output.exclude] };
      await agents.sendOrder(
        host,
        { type: 'action', ...order, inputs: { ...order.inputs }, commands, env: { ...order.env }, output },
        signal,
      );
    },
    async cancel(host, run, signal) {
      await agents.sendOrder(host, { type: 'cancel-action', id: run }, signal);
    },
  };
}
