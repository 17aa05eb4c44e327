import { formatDuration } from '../../kit/index.ts';
import type { Session } from '../session.ts';
import { findService } from '../subject.ts';

interface Flags {
  readonly service?: string;
  readonly settings?: boolean;
}

/** `rel_…`, `ro_…`, `run_…`, `guestbook@production`, a service, or nothing: the service of this repository. */
export async function run(session: Session, [what]: readonly string[], flags: Flags) {
  const id = what ?? (await findService(session, flags.service));
  const explanation = await session.client.explain({ params: { kind: kindOf(id), id } });
  const { out } = session;
  out.show(explanation, () => {
    out.line(explanation.sentence);
    for (const reason of explanation.reasons) {
      const since =
        reason.sinceMs === null ? '' : out.style.dim(`  (for ${formatDuration(Date.now() - reason.sinceMs)})`);
      out.line(`• ${reason.sentence}${since}`);
      out.line(`  ${reason.unblocker}`);
    }
    if (flags.settings !== true) return;
    out.line();
    out.table(
      [
        { title: 'setting', value: (row) => row.path },
        { title: 'value', value: (row) => JSON.stringify(row.value), isFlexible: true },
        { title: 'from', value: (row) => row.origin },
      ],
      explanation.settings,
      'No settings.',
    );
  });
  return undefined;
}

function kindOf(id: string): 'service' | 'release' | 'rollout' | 'job' | 'run' {
  if (id.startsWith('rel_')) return 'release';
  if (id.startsWith('ro_')) return 'rollout';
  if (id.startsWith('run_')) return 'run';
  return id.includes('@') ? 'job' : 'service';
}
