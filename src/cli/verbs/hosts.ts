import { formatDuration } from '../../kit/index.ts';
import { stateWord } from '../render/words.ts';
import type { Session } from '../session.ts';
import { reasonOf } from '../subject.ts';

export async function list(session: Session) {
  const { items } = await session.client.listHosts();
  const { out } = session;
  out.show(items, () => {
    out.table(
      [
        { title: 'host', value: (row) => row.id },
        { title: 'state', value: (row) => stateWord(row.state, out.style) },
        { title: 'region', value: (row) => row.region ?? '' },
        { title: 'rack', value: (row) => row.rack ?? '' },
        { title: 'address', value: (row) => row.address },
        { title: 'tasks', value: (row) => String(row.used.tasks), align: 'right' },
        {
          title: 'cores free',
          value: (row) => ((row.capacity.cpuMillis - row.used.cpuMillis) / 1000).toFixed(1),
          align: 'right',
        },
        { title: 'MB free', value: (row) => String(row.capacity.memoryMb - row.used.memoryMb), align: 'right' },
        { title: 'silent', value: (row) => (row.silentForMs === null ? '' : formatDuration(row.silentForMs)) },
      ],
      items,
      'No host has joined yet.',
    );
    out.next(items.length === 0 ? 'rollway agent token' : 'rollway doctor');
  });
  return undefined;
}

export async function dead(session: Session, [host = '']: readonly string[], flags: { reason?: string }) {
  const reason = reasonOf(flags, 'declaring a host dead');
  const view = await session.client.declareHostDead({ params: { host }, body: { reason } });
  session.out.show(view, () => session.out.line(`${view.id} is declared dead; its tasks start elsewhere.`));
  return undefined;
}

export async function leave(session: Session, [host = '']: readonly string[], flags: { reason?: string }) {
  const reason = reasonOf(flags, 'letting a host leave');
  const view = await session.client.leaveHost({ params: { host }, body: { reason } });
  session.out.show(view, () => session.out.line(`${view.id} leaves: its tasks move away within the budget.`));
  return undefined;
}

export async function stay(session: Session, [host = '']: readonly string[], flags: { reason?: string }) {
  const reason = reasonOf(flags, 'letting a host stay');
  const view = await session.client.stayHost({ params: { host }, body: { reason } });
  session.out.show(view, () => session.out.line(`${view.id} stays: new tasks may go there again.`));
  return undefined;
}

export async function remove(session: Session, [host = '']: readonly string[], flags: { reason?: string }) {
  const reason = reasonOf(flags, 'removing a host');
  await session.client.removeHost({ params: { host }, body: { reason } });
  session.out.show({ removed: host }, () =>
    session.out.line(`${host} is forgotten; with a new token it may join again.`),
  );
  return undefined;
}
