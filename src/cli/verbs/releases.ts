import { plain } from '../render/style.ts';
import { ago } from '../render/time.ts';
import { shortCommit, stateWord } from '../render/words.ts';
import type { Session } from '../session.ts';
import { findService } from '../subject.ts';

export async function run(session: Session, _args: readonly string[], flags: { service?: string; limit: number }) {
  const service = await findService(session, flags.service);
  const { items } = await session.client.listReleases({ params: { service }, query: { limit: flags.limit } });
  const { out } = session;
  out.show(items, () => {
    out.table(
      [
        { title: 'release', value: (row) => row.id },
        { title: 'commit', value: (row) => shortCommit(row.commit) },
        { title: 'state', value: (row) => stateWord(row.state, out.style) },
        { title: 'at', value: (row) => row.standsOn.join(', ') },
        { title: 'made', value: (row) => ago(row.createdAtMs, Date.now()) },
        { title: 'subject', value: (row) => plain(row.subject), isFlexible: true },
      ],
      items,
      'No release yet.',
    );
    const waiting = items.find((item) => item.why !== null);
    if (waiting !== undefined)
      out.line(`\n${shortCommit(waiting.commit)}: ${plain(waiting.why?.split('\n', 1)[0] ?? '')}`);
    if (items[0] !== undefined) out.next(`rollway explain ${items[0].id}`);
  });
  return undefined;
}
