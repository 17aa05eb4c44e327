import { Link } from '@tanstack/react-router';
import { useTopic } from '../live/use-topic.ts';
import { CopyId } from '../parts/copy-id.tsx';
import { Pending } from '../parts/loading.tsx';
import { Ago } from '../parts/time.tsx';
import { short } from '../words.ts';

/** What is marked bad. */
export function MarksScreen() {
  const { data, problem } = useTopic('marks');
  if (data === undefined) return <Pending problem={problem} what="the marks" />;
  return (
    <>
      <h1>Marks</h1>
      {data.marks.length === 0 && (
        <p className="quiet">
          Nothing is marked. A commit is, when the judge stops its rollout, or by <code>rollway mark add</code>.
        </p>
      )}
      <ul className="releases">
        {data.marks.map((mark) => (
          <li key={mark.id}>
            <div className="line">
              <span className={`state tone-${mark.isLive ? 'bad' : 'none'}`}>{mark.isLive ? '✗ live' : 'cleared'}</span>
              <Link to="/marks/$mark" params={{ mark: mark.id }}>
                {mark.candidates.map((commit) => `${short(commit.id)} ${commit.subject}`).join(', ')}
              </Link>
              <span className="quiet">
                blocks {mark.targets.join(', ')} · {mark.createdBy.name} · <Ago atMs={mark.createdAtMs} />
              </span>
            </div>
            <p className="why">{mark.evidence}</p>
            {mark.fixes.map((fix) => (
              <p key={fix.id}>
                ✓ fixed by <CopyId id={fix.id} shown={short(fix.id)} /> {fix.subject}
              </p>
            ))}
          </li>
        ))}
      </ul>
    </>
  );
}
