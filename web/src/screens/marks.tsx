import { Link } from '@tanstack/react-router';
import { useTopic } from '../live/use-topic.ts';
import { CopyId } from '../parts/copy-id.tsx';
import { Pending } from '../parts/loading.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { Ago } from '../parts/time.tsx';
import { useTitle } from '../parts/use-title.ts';
import { short } from '../words.ts';

/** What is marked bad. */
export function MarksScreen() {
  const { data, problem } = useTopic('marks');
  useTitle('Marks');
  if (data === undefined) return <Pending problem={problem} what="the marks" />;
  return (
    <>
      <h1>Marks</h1>
      {data.marks.length === 0 && (
        <p className="quiet">
          Nothing is marked. A commit is, when the judge stops its rollout, or by <code>rollway mark add</code>.
        </p>
      )}
      <ul className="rows mark-rows">
        {data.marks.map((mark) => (
          <li key={mark.id}>
            <MarkWord isLive={mark.isLive} />
            <div>
              <Link to="/marks/$mark" params={{ mark: mark.id }}>
                {mark.candidates.map((commit) => `${short(commit.id)} ${commit.subject}`).join(', ')}
              </Link>
              <p>
                <Sentence text={mark.evidence} />
              </p>
              {mark.fixes.map((fix) => (
                <p key={fix.id} className="line">
                  <span className="tone-good">✓ fixed by</span> <CopyId id={fix.id} shown={short(fix.id)} />{' '}
                  {fix.subject}
                </p>
              ))}
            </div>
            <span className="quiet small">
              blocks {mark.targets.join(', ')}
              <br />
              {mark.createdBy.name} · <Ago atMs={mark.createdAtMs} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Whether it still blocks builds that contain it unfixed. */
export function MarkWord({ isLive }: { isLive: boolean }) {
  return <span className={`state tone-${isLive ? 'bad' : 'none'}`}>{isLive ? '✗ live' : 'cleared'}</span>;
}
