import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { EnvironmentSummary } from '../../../src/api/index.ts';
import type { JobId } from '../../../src/model/index.ts';
import { useTopic } from '../live/use-topic.ts';
import { AttentionList } from '../parts/attention.tsx';
import { VersionLine } from '../parts/commit.tsx';
import { DotStrip } from '../parts/dots.tsx';
import { Pending } from '../parts/loading.tsx';
import { PipelineGraph } from '../parts/pipeline-graph.tsx';
import { ReleaseList } from '../parts/release-list.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { StateWord } from '../parts/state-word.tsx';
import { TaskPlanButtons } from '../parts/task-plan-buttons.tsx';
import { Lasting } from '../parts/time.tsx';
import { Trust } from '../parts/trust.tsx';
import { useTitle } from '../parts/use-title.ts';

/** One service: its pipeline with the releases on it, its environments, its releases. */
export function ServiceScreen({ service: name }: { service: string }) {
  const { data: service, problem } = useTopic(`service/${name}`);
  const [lit, setLit] = useState<string | undefined>();
  useTitle(name);
  if (service === undefined) return <Pending problem={problem} what="the service" />;
  return (
    <>
      <h1>{service.name}</h1>
      <p className="quiet small">
        from {service.repository}
        {service.pipeline === null
          ? ''
          : `, ${service.pipeline.trigger} from ${service.pipeline.branch}, pipeline revision ${service.pipeline.revision}`}
      </p>
      <AttentionList entries={service.attention} />
      {service.pipeline !== null && (
        <PipelineGraph pipeline={service.pipeline} releases={service.releases} lit={lit} onLight={setLit} />
      )}
      <div className="service-columns">
        <section aria-label="Environments" className="environments">
          {service.environments.map((entry) => (
            <EnvironmentPanel key={entry.job} entry={entry} />
          ))}
          <Trust service={service.name} />
        </section>
        <section aria-label="Releases">
          <h2>Releases</h2>
          <ReleaseList releases={service.releases} lit={lit} />
        </section>
      </div>
    </>
  );
}

function EnvironmentPanel({ entry }: { entry: EnvironmentSummary }) {
  return (
    <div className="environment">
      <h2>
        {entry.environment} {entry.name}
      </h2>
      <div className="line">
        <StateWord state={entry.state} />
        {entry.sinceMs !== null && (
          <span className="quiet">
            for <Lasting fromMs={entry.sinceMs} toMs={null} />
          </span>
        )}
        <span className="num quiet">· {entry.budget.sentence}</span>
        {entry.rollout !== null && (
          <Link to="/rollouts/$rollout" params={{ rollout: entry.rollout }} search={{}}>
            open the rollout
          </Link>
        )}
      </div>
      <VersionLine version={entry.version} />
      <TaskPlanButtons job={entry.job as JobId} size={entry.size} />
      <div className="strip-line">
        <DotStrip dots={entry.dots} isRolling={entry.rollout !== null} />
        {entry.errors !== null && <Sparkline points={entry.errors} />}
      </div>
    </div>
  );
}
