import { Link } from '@tanstack/react-router';
import type { Attention } from '../../../src/api/index.ts';
import { Sentence } from './sentence.tsx';
import { Ago } from './time.tsx';

/** What only a person can move on. */
export function AttentionList({ entries }: { entries: readonly Attention[] }) {
  if (entries.length === 0) return null;
  return (
    <section className="attention" aria-label="Needs a person">
      <ul>
        {entries.map((entry) => (
          <li key={`${entry.subject} ${entry.sentence}`}>
            <strong>
              <Sentence text={entry.sentence} />
            </strong>{' '}
            <span>
              <Sentence text={entry.remedy} />
            </span>{' '}
            <Subject subject={entry.subject} />{' '}
            <span className="quiet">
              <Ago atMs={entry.sinceMs} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Subject({ subject }: { subject: string }) {
  const [kind = '', id = ''] = subject.split('/');
  if (kind === 'rollout') {
    return (
      <Link to="/rollouts/$rollout" params={{ rollout: id }} search={{}}>
        open the rollout
      </Link>
    );
  }
  if (kind === 'release') {
    return (
      <Link to="/releases/$release" params={{ release: id }}>
        open the release
      </Link>
    );
  }
  if (kind === 'mark') {
    return (
      <Link to="/marks/$mark" params={{ mark: id }}>
        open the mark
      </Link>
    );
  }
  return null;
}
