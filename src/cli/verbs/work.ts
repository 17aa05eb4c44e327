import { plain } from '../render/style.ts';
import { ago } from '../render/time.ts';
import type { Session } from '../session.ts';
import { reasonOf } from '../subject.ts';

export async function list(session: Session) {
  const { items } = await session.client.listParkedWork();
  const { out } = session;
  out.show(items, () => {
    out.table(
      [
        { title: 'what', value: (row) => row.what },
        { title: 'kind', value: (row) => row.kind },
        { title: 'key', value: (row) => row.key },
        { title: 'tries', value: (row) => String(row.attempts), align: 'right' },
        { title: 'since', value: (row) => (row.sinceMs === null ? '' : ago(row.sinceMs, Date.now())) },
        { title: 'error', value: (row) => plain(row.error.split('\n', 1)[0] ?? ''), isFlexible: true },
      ],
      items,
      'Nothing is parked.',
    );
    const [first] = items;
    if (first !== undefined)
      out.next(`rollway work retry ${first.kind} ${first.key}${first.what === 'effect' ? ' --effect' : ''}`);
  });
  return undefined;
}

export async function retry(
  session: Session,
  [kind = '', key = '']: readonly string[],
  flags: { effect?: boolean; reason?: string },
) {
  const what = flags.effect === true ? 'effect' : 'work';
  const { items } = await session.client.retryWork({
    body: { what, kind, key, ...(flags.reason === undefined ? {} : { reason: flags.reason }) },
  });
  session.out.show(items, () => session.out.line(`${kind} ${key} runs again; ${items.length} still parked.`));
  return undefined;
}

export async function drop(session: Session, [effect = '']: readonly string[], flags: { reason?: string }) {
  const reason = reasonOf(flags, 'giving up an effect');
  const { items } = await session.client.dropEffect({ body: { effect, reason } });
  session.out.show(items, () => session.out.line(`${effect} is not tried again; ${items.length} still parked.`));
  return undefined;
}
