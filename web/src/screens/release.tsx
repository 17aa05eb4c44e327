import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { ActionRunView, ReleaseDetail } from '../../../src/api/index.ts';
import type { ReleaseId } from '../../../src/model/index.ts';
import { client, once } from '../client.ts';
import { useTopic } from '../live/use-topic.ts';
import { ActionLogView } from '../parts/action-log.tsx';
import { CopyId } from '../parts/copy-id.tsx';
import { Pending } from '../parts/loading.tsx';
import { ReasonDialog } from '../parts/reason-dialog.tsx';
import { Sentence } from '../parts/sentence.tsx';
import { StateWord } from '../parts/state-word.tsx';
import { Ago, Lasting } from '../parts/time.tsx';
import { useTitle } from '../parts/use-title.ts';
import { short, toneOf } from '../words.ts';

/** One release: what is in it, what it waits for, its runs with their logs, its marks. */
export function ReleaseScreen({ release: id }: { release: string }) {
  const { data: release, problem } = useTopic(`release/${id as ReleaseId}`);
  const [asked, setAsked] = useState<'cancel' | 'retry' | undefined>();
  useTitle(release === undefined ? 'Release' : `${release.service} ${short(release.commit)}`);
  if (release === undefined) return <Pending problem={problem} what="the release" />;
  const params = { release: release.id };
  return (
    <>
      <header className="head">
        <div>
          <h1>
            <Link to="/services/$service" params={{ service: release.service }} className="plain">
              {release.service}
            </Link>{' '}
            <CopyId id={release.commit} shown={short(release.commit)} /> <StateWord state={release.state} />
          </h1>
          <p>
            {release.subject}{' '}
            <span className="quiet">
              {release.author} · <Ago atMs={release.createdAtMs} />
            </span>
          </p>
          {release.why !== null && (
            <p className={toneOf(release.state) === 'held' ? 'held' : 'why'}>
              <Sentence text={release.why} />
            </p>
          )}
          {release.remedy !== null && (
            <p>
              <Sentence text={release.remedy} />
            </p>
          )}
          {release.marks.map((mark) => (
            <p key={mark} className="problem">
              It contains a commit that is marked bad:{' '}
              <Link to="/marks/$mark" params={{ mark }}>
                the mark
              </Link>
            </p>
          ))}
        </div>
        <div className="actions">
          {release.commands.map((command) => (
            <button key={command} type="button" onClick={() => setAsked(command)}>
              {command === 'cancel' ? 'Cancel' : 'Try again'}
            </button>
          ))}
        </div>
      </header>
      <Runs release={release} />
      <h2>Commits</h2>
      <ul className="rows">
        {release.commits.map((commit) => (
          <li key={commit.id} className="line">
            <CopyId id={commit.id} shown={short(commit.id)} /> <span className="subject">{commit.subject}</span>
            <span className="quiet">{commit.author}</span>
          </li>
        ))}
      </ul>
      {release.artifacts.length > 0 && (
        <>
          <h2>Artifacts</h2>
          <ul className="rows">
            {release.artifacts.map((artifact) => (
              <li key={artifact.digest} className="line">
                {artifact.name} {artifact.kind !== artifact.name && <span className="quiet">{artifact.kind}</span>}{' '}
                <CopyId id={artifact.digest} shown={artifact.digest.slice(0, 12)} />
                <span className="num quiet">{Math.ceil(artifact.sizeBytes / 1024).toLocaleString('en')} kB</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {asked !== undefined && (
        <ReasonDialog
          title={asked === 'cancel' ? 'Cancel the release' : 'Try again'}
          effect={
            asked === 'cancel'
              ? 'It stops where it is; a rollout under way is not touched.'
              : 'Failed and parked actions run again.'
          }
          needsReason={asked === 'cancel'}
          onClose={() => setAsked(undefined)}
          send={(reason) =>
            asked === 'cancel'
              ? client.cancelRelease({ params, body: { reason } }, once())
              : client.retryRelease({ params, body: reason === '' ? {} : { reason } }, once())
          }
        />
      )}
    </>
  );
}

function Runs({ release }: { release: ReleaseDetail }) {
  const [open, setOpen] = useState<string | undefined>();
  return (
    <section aria-label="Action runs">
      <h2>Actions</h2>
      {release.runs.length === 0 && <p className="quiet">Nothing has begun yet.</p>}
      <ul className="rows run-rows">
        {release.runs.map((run) => (
          <Run
            key={run.id}
            run={run}
            isOpen={run.id === open}
            onOpen={() => setOpen(run.id === open ? undefined : run.id)}
          />
        ))}
      </ul>
    </section>
  );
}

function Run({ run, isOpen, onOpen }: { run: ActionRunView; isOpen: boolean; onOpen: () => void }) {
  return (
    <li>
      <strong>
        {run.action}
        {run.attempt > 1 && <span className="quiet"> attempt {run.attempt}</span>}
      </strong>
      <StateWord state={run.state} />
      <span className="num">
        {run.startedAtMs !== null && <Lasting fromMs={run.startedAtMs} toMs={run.endedAtMs} />}
      </span>
      <span className="quiet">{run.host !== null && `on ${run.host}`}</span>
      <span>
        {run.rollout !== null && (
          <Link to="/rollouts/$rollout" params={{ rollout: run.rollout }} search={{}}>
            open the rollout
          </Link>
        )}
        {run.hasLog && (
          <button
            type="button"
            className="link"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? 'Hide' : 'Show'} the log of ${run.action}`}
            onClick={onOpen}
          >
            {isOpen ? 'hide the log' : 'log'}
          </button>
        )}
      </span>
      {run.reason !== null && (
        <p className="why small whole">
          <Sentence text={run.reason} />
        </p>
      )}
      {isOpen && run.hasLog && (
        <div className="whole">
          <ActionLogView run={run.id} />
        </div>
      )}
    </li>
  );
}
