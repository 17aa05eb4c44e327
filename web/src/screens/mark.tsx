import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { MarkDetail } from '../../../src/api/index.ts';
import type { MarkId } from '../../../src/model/index.ts';
import { client, once, problemOf } from '../client.ts';
import { useTopic } from '../live/use-topic.ts';
import { VersionLine } from '../parts/commit.tsx';
import { CopyId } from '../parts/copy-id.tsx';
import { ProblemBox } from '../parts/loading.tsx';
import { ReasonDialog } from '../parts/reason-dialog.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { useTitle } from '../parts/use-title.ts';
import { short } from '../words.ts';
import { MarkWord } from './marks.tsx';

/** One mark: its candidates, evidence, carriers, where they run, and what clears it. */
export function MarkScreen({ mark: id }: { mark: string }) {
  // The list is live; a change in it is the sign to read the details again.
  const { data } = useTopic('marks');
  const summary = data?.marks.find((each) => each.id === id);
  const [mark, setMark] = useState<MarkDetail | undefined>();
  const [problem, setProblem] = useState<ReturnType<typeof problemOf> | undefined>();
  const [isAsking, setAsking] = useState(false);
  useTitle('Mark');
  // biome-ignore lint/correctness/useExhaustiveDependencies: read again when the live summary changes
  useEffect(() => {
    let isCurrent = true;
    client
      .getMark({ params: { mark: id as MarkId } })
      .then((found) => isCurrent && setMark(found))
      .catch((error) => isCurrent && setProblem(problemOf(error)));
    return () => {
      isCurrent = false;
    };
  }, [id, summary]);
  if (problem !== undefined) return <ProblemBox {...problem} />;
  if (mark === undefined) {
    return (
      <p className="empty quiet" role="status">
        Reading the mark …
      </p>
    );
  }
  return (
    <>
      <header className="head">
        <div>
          <h1>
            Mark <MarkWord isLive={mark.isLive} />
          </h1>
          <p>
            <Sentence text={mark.evidence} />
          </p>
          <p className="why">
            <Sentence text={mark.clearedBy} />
          </p>
          {mark.rollout !== null && (
            <p>
              <Link to="/rollouts/$rollout" params={{ rollout: mark.rollout }} search={{}}>
                The rollout that found it
              </Link>
            </p>
          )}
        </div>
        <div className="actions">
          {mark.isLive && (
            <button type="button" onClick={() => setAsking(true)}>
              Clear
            </button>
          )}
        </div>
      </header>
      <h2>Candidate commits</h2>
      <ul className="rows">
        {mark.candidates.map((commit) => (
          <li key={commit.id} className="line">
            <CopyId id={commit.id} shown={short(commit.id)} /> <span className="subject">{commit.subject}</span>
            <span className="quiet">{commit.author}</span>
          </li>
        ))}
      </ul>
      {mark.fixes.length > 0 && <h2>Fixes</h2>}
      <ul className="rows">
        {mark.fixes.map((commit) => (
          <li key={commit.id} className="line">
            <span className="tone-good">✓</span> <CopyId id={commit.id} shown={short(commit.id)} />{' '}
            <span className="subject">{commit.subject}</span>
          </li>
        ))}
      </ul>
      <h2>Carriers</h2>
      {mark.carriers.length === 0 && <p className="quiet">No build contains it.</p>}
      <ul className="rows">
        {mark.carriers.map((carrier) => (
          <li key={carrier.version.id} className="line">
            <VersionLine version={carrier.version} />
            <span className="quiet">
              {carrier.running.length === 0
                ? 'runs nowhere'
                : `runs on ${carrier.running.map((job) => `${job.job}: ${job.indices.join(', ')}`).join('; ')}`}
            </span>
          </li>
        ))}
      </ul>
      {isAsking && (
        <ReasonDialog
          title="Clear"
          effect="It blocks nothing any more. Builds that waited for it go on."
          needsReason
          onClose={() => setAsking(false)}
          send={(reason) => client.clearMark({ params: { mark: mark.id }, body: { reason } }, once())}
        />
      )}
    </>
  );
}
