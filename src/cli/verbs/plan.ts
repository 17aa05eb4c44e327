import type { PlanView } from '../../api/index.ts';
import { formatDuration } from '../../kit/index.ts';
import { shortCommit } from '../render/words.ts';
import type { Session } from '../session.ts';
import { findService } from '../subject.ts';
import { resolveCommit } from '../working-copy.ts';

interface Flags {
  readonly service?: string;
  readonly environment?: string;
}

export async function run(session: Session, [commit]: readonly string[], flags: Flags) {
  const service = await findService(session, flags.service);
  const body = {
    ...(commit === undefined ? {} : { commit: await resolveCommit(commit) }),
    ...(flags.environment === undefined ? {} : { environment: flags.environment }),
  };
  const plan = await session.client.planDeploy({ params: { service }, body });
  session.out.show(plan, () => {
    for (const line of planLines(plan, session)) session.out.line(line);
    session.out.next(`rollway deploy ${shortCommit(plan.commit)} --plan ${plan.hash}`);
  });
  return undefined;
}

function planLines(plan: PlanView, { out }: Session): string[] {
  const range = (estimate: { least: number; most: number }) =>
    `${formatDuration(estimate.least)} – ${formatDuration(estimate.most)}`;
  return [
    `${out.style.bold(plan.job)}  ${shortCommit(plan.commit)} over ${plan.size} tasks, budget ${plan.budget} out, ${range(plan.estimateMs)}`,
    ...plan.notes.map((note) => `! ${note}`),
    ...plan.limits.map((limit) => `limit: ${limit}`),
    ...plan.phases.flatMap((phase, i) => [
      '',
      `${i + 1}. ${out.style.bold(phase.name)}  +${phase.adds} → ${phase.members.length} of ${plan.size}, ${phase.concurrency} at a time, ≥ ${phase.servingAtLeast} of ${phase.of} serve, ${range(phase.estimateMs)}`,
      `   tasks ${ranges(phase.members)}`,
      ...phase.gates.map((gate) => `   gate: ${gate}`),
      ...phase.shows.map((line) => `   judge: ${line}`),
      `   on fail: ${phase.onFail}; undecided: ${phase.onUndecided}`,
      ...phase.notes.map((note) => `   ${out.style.dim(note)}`),
    ]),
    '',
    out.style.dim(`plan ${plan.hash}`),
  ];
}

/** `0–3, 7, 9–11` */
export function ranges(indices: readonly number[]): string {
  const sorted = [...indices].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (sorted[j + 1] === (sorted[j] as number) + 1) j++;
    parts.push(i === j ? `${sorted[i]}` : `${sorted[i]}–${sorted[j]}`);
    i = j + 1;
  }
  return parts.join(', ');
}
