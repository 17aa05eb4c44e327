/**
 * The agent: one process per host. It takes orders from the server, and for each task starts a *keeper*, the task's
 * parent process, which owns its processes and log and outlives the agent. What an agent must remember (orders, the
 * highest incarnation and epoch of every index, reports on their way) is on its disk before anything depends on it.
 *
 *     server ──orders──▶ agent ──socket──▶ keeper ──▶ task          reports and samples go the other way
 *
 * Never two keepers for one task: a keeper that is gone is buried (everything it started is dead) before another one.
 */
export { runAgent } from './agent.ts';
export { buildEnvironment } from './build-environment.ts';
export { type AgentOptions, type AgentTimes, defaultTimes } from './options.ts';
