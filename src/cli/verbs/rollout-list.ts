import { plain } from '../render/style.ts';
import { ago } from '../render/time.ts';
import { shortCommit, stateWord } from '../render/words.ts';
import type { Session } from '../session.ts';

export async function run(
  session: Session,
  _args: readonly string[],
  flags: { service?: string; environment?: string; limit: number },
) {
  const query = {
    limit: flags.limit,
    ...(flags.service === undefined ? {} : { service: flags.service }),
    ...(flags.environment === undefined ? {} : { environment: flags.environment }),
  };
  const { items } = await session.client.listRollouts({ query });
  const { out } = session;
  out.show(items, () => {
    out.table(
      [
        { title: 'rollout', value: (row) => row.id },
        { title: 'job', value: (row) => row.job },
        { title: 'state', value: (row) => stateWord(row.state, out.style) },
        { title: 'phase', value: (row) => `${Math.min(row.currentPhase + 1, row.phaseCount)} of ${row.phaseCount}` },
        { title: 'tasks', value: (row) => `${row.updated} of ${row.size}`, align: 'right' },
        { title: 'made', value: (row) => ago(row.createdAtMs, Date.now()) },
        {
          title: 'to',
          value: (row) => (row.to === null ? '' : `${shortCommit(row.to.commit)} ${plain(row.to.subject)}`),
          isFlexible: true,
        },
      ],
      items,
      'No rollout yet.',
    );
    if (items[0] !== undefined) out.next(`rollway rollout show ${items[0].id}`);
  });
  return undefined;
}
