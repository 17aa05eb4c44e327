import type { JobDecision, JobState } from '../src/rollout/index.ts';

/** Names the states and edges that a decision went through. */
export function coverDecision(before: JobState, decision: JobDecision, cover: (edge: string) => void): void {
  const were = new Map(before.rollouts.map((one) => [one.id, one.state as string]));
  for (const rollout of decision.changed.rollouts.values()) {
    const from = were.get(rollout.id) ?? 'new';
    if (from !== rollout.state) cover(`rollout ${from} → ${rollout.state}`);
    for (const phase of rollout.phases) if (phase.passedBy !== undefined) cover(`phase passed by ${phase.passedBy.by}`);
    if (rollout.hold !== undefined) cover(`hold by ${rollout.hold.by}`);
    if (rollout.failure !== undefined) cover(`failed by ${rollout.failure.by}`);
  }
  const had = new Map(before.operations.map((one) => [one.id as string, one.state as string]));
  for (const operation of decision.changed.operations.values()) {
    const from = had.get(operation.id) ?? 'proposed';
    if (from !== operation.state) cover(`operation ${from} → ${operation.state}`);
    if (operation.exemption !== undefined) cover(`exemption ${operation.exemption}`);
    cover(`operation ${operation.kind}`);
    if (operation.blockedBy !== undefined) cover(`blocked: ${operation.blockedBy.replaceAll(/\d+/g, 'n')}`);
  }
  for (const command of before.commands) {
    const isObeyed = decision.outcomes.some((one) => one.id === command.id && one.ok);
    cover(`command ${command.command} ${isObeyed ? 'obeyed' : 'refused'}`);
  }
}
