import { plain } from '../render/style.ts';
import { ago } from '../render/time.ts';
import { shortCommit } from '../render/words.ts';
import type { Session } from '../session.ts';

export async function run(session: Session, _args: readonly string[], flags: { carriers?: boolean }) {
  const { out, client } = session;
  const { items } = await client.listMarks({ query: { limit: 100 } });
  const carriers = flags.carriers === true ? (await client.listCarriers()).items : [];
  out.show(flags.carriers === true ? { marks: items, carriers } : items, () => {
    out.table(
      [
        { title: 'mark', value: (row) => row.id },
        { title: 'live', value: (row) => (row.isLive ? out.style.bad('yes') : 'no') },
        { title: 'commits', value: (row) => row.candidates.map((commit) => shortCommit(commit.id)).join(' ') },
        { title: 'blocks', value: (row) => row.targets.join(' ') },
        { title: 'since', value: (row) => ago(row.createdAtMs, Date.now()) },
        { title: 'evidence', value: (row) => plain(row.evidence), isFlexible: true },
      ],
      items,
      'Nothing is marked.',
    );
    if (carriers.length > 0) {
      out.line();
      out.table(
        [
          { title: 'carrier', value: (row) => row.version.id },
          { title: 'commit', value: (row) => shortCommit(row.version.commit) },
          { title: 'service', value: (row) => row.service },
          {
            title: 'runs on',
            value: (row) => row.running.map((job) => `${job.job} ${job.indices.join(',')}`).join('; ') || 'nothing',
            isFlexible: true,
          },
        ],
        carriers,
        '',
      );
    }
    const live = items.find((item) => item.isLive);
    if (live !== undefined) out.next(`rollway mark show ${live.id}`);
  });
  return undefined;
}
