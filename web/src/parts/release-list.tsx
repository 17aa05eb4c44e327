import { Link } from '@tanstack/react-router';
import type { ReleaseSummary } from '../../../src/api/index.ts';
import { short } from '../words.ts';
import { CopyId } from './copy-id.tsx';
import { Sentence } from './sentence.tsx';
import { StateWord } from './state-word.tsx';
import { Ago } from './time.tsx';

interface Props {
  readonly releases: readonly ReleaseSummary[];
  readonly lit: string | undefined;
}

/** Releases, newest first: commit, author, outcome, and why one waits. */
export function ReleaseList({ releases, lit }: Props) {
  if (releases.length === 0) return <p className="quiet">No commit has become a release yet.</p>;
  return (
    <ul className="rows release-rows">
      {releases.map((release) => (
        <li key={release.id} className={release.id === lit ? 'lit' : ''}>
          <CopyId id={release.commit} shown={short(release.commit)} />
          <div>
            <Link to="/releases/$release" params={{ release: release.id }} className="subject">
              {release.subject}
            </Link>
            {release.why !== null && (
              <p className="why small">
                <Sentence text={release.why} />
              </p>
            )}
          </div>
          <span className="state-cell">
            <StateWord state={release.state} />
            {release.rollouts.map((rollout) => (
              <Link key={rollout} to="/rollouts/$rollout" params={{ rollout }} search={{}} className="small">
                rollout
              </Link>
            ))}
          </span>
          <span className="quiet small by-whom">
            <span>{release.author}</span>
            <Ago atMs={release.createdAtMs} />
          </span>
        </li>
      ))}
    </ul>
  );
}
