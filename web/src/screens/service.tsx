import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { ReleaseSummary } from '../../../src/api/index.ts';
import { useTopic } from '../live/use-topic.ts';
import { AttentionList } from '../parts/attention.tsx';
import { CopyId } from '../parts/copy-id.tsx';
import { DotStrip } from '../parts/dots.tsx';
import { Pending } from '../parts/loading.tsx';
import { PipelineGraph } from '../parts/pipeline-graph.tsx';
import { StateWord } from '../parts/state-word.tsx';
import { Ago } from '../parts/time.tsx';
import { short } from '../words.ts';

/** One service: its pipeline with the releases on it, its environments, its releases. */
export function ServiceScreen({ service: name }: { service: string }) {
  const { data: service, problem } = useTopic(`service/${name}`);
  const [lit, setLit] = useState<string | undefined>();
  if (service === undefined) return <Pending problem={problem} what="the service" />;
  return (
    <>
      <h1>{service.name}</h1>
      <p className="quiet">{service.repository}</p>
      <AttentionList entries={service.attention} />
      {service.pipeline !== null && (
        <section aria-label="Pipeline">
          <h2>
            Pipeline{' '}
            <span className="quiet">
              revision {service.pipeline.revision}, {service.pipeline.trigger} from {service.pipeline.branch}
            </span>
          </h2>
          <PipelineGraph pipeline={service.pipeline} releases={service.releases} lit={lit} onLight={setLit} />
        </section>
      )}
      <section aria-label="Environments" className="environments">
        {service.environments.map((entry) => (
          <div key={entry.environment} className="environment">
            <h2>{entry.environment}</h2>
            <div className="line">
              <StateWord state={entry.state} /> <span className="num">{entry.budget.sentence}</span>
              {entry.rollout !== null && (
                <Link to="/rollouts/$rollout" params={{ rollout: entry.rollout }} search={{}}>
                  open the rollout
                </Link>
              )}
            </div>
            <DotStrip dots={entry.dots} />
          </div>
        ))}
      </section>
      <h2>Releases</h2>
      <ReleaseList releases={service.releases} lit={lit} onLight={setLit} />
    </>
  );
}

interface ListProps {
  readonly releases: readonly ReleaseSummary[];
  readonly lit: string | undefined;
  readonly onLight: (release: string | undefined) => void;
}

function ReleaseList({ releases, lit, onLight }: ListProps) {
  if (releases.length === 0) return <p className="quiet">No commit has become a release yet.</p>;
  return (
    <ul className="releases">
      {releases.map((release) => (
        <li
          key={release.id}
          className={release.id === lit ? 'lit' : ''}
          onPointerEnter={() => onLight(release.id)}
          onPointerLeave={() => onLight(undefined)}
        >
          <div className="line">
            <CopyId id={release.commit} shown={short(release.commit)} />
            <Link to="/releases/$release" params={{ release: release.id }} className="subject">
              {release.subject}
            </Link>
            <StateWord state={release.state} />
            <span className="quiet">
              {release.author} · <Ago atMs={release.createdAtMs} />
            </span>
            {release.rollouts.map((rollout) => (
              <Link key={rollout} to="/rollouts/$rollout" params={{ rollout }} search={{}}>
                rollout
              </Link>
            ))}
          </div>
          {release.why !== null && <p className="why">{release.why}</p>}
        </li>
      ))}
    </ul>
  );
}
