import { Link } from '@tanstack/react-router';
import type { EnvironmentSummary, ServiceSummary } from '../../../src/api/index.ts';
import { useTopic } from '../live/use-topic.ts';
import { AttentionList } from '../parts/attention.tsx';
import { VersionLine } from '../parts/commit.tsx';
import { DotStrip } from '../parts/dots.tsx';
import { Pending } from '../parts/loading.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { StateWord } from '../parts/state-word.tsx';
import { Lasting } from '../parts/time.tsx';
import { useTitle } from '../parts/use-title.ts';

/** Home: a row a service, a column an environment; what needs a person on top. */
export function ServicesScreen() {
  const { data, problem } = useTopic('services');
  useTitle('Services');
  if (data === undefined) return <Pending problem={problem} what="the services" />;
  const { services } = data;
  if (services.length === 0) return <Nothing />;
  const attention = services.flatMap((service) => service.attention);
  const environments = [
    ...new Set(services.flatMap((service) => service.environments.map((entry) => entry.environment))),
  ];
  return (
    <>
      <h1>Services</h1>
      <AttentionList entries={attention} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways */}
      <section className="scroll" tabIndex={0} aria-label="Services by environment">
        <table className="services">
          <thead>
            <tr>
              <th scope="col">service</th>
              {environments.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {services.map((service) => (
              <Row key={service.name} service={service} environments={environments} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Row({ service, environments }: { service: ServiceSummary; environments: readonly string[] }) {
  return (
    <tr>
      <th scope="row">
        <Link to="/services/$service" params={{ service: service.name }}>
          {service.name}
        </Link>
        {service.repository !== service.name && <div className="quiet small">{service.repository}</div>}
      </th>
      {environments.map((name) => {
        const entries = service.environments.filter((each) => each.environment === name);
        return (
          <td key={name} data-environment={name}>
            {entries.length === 0 && <span className="quiet">–</span>}
            {entries.map((entry) => (
              <Cell key={entry.job} entry={entry} />
            ))}
          </td>
        );
      })}
    </tr>
  );
}

function Cell({ entry }: { entry: EnvironmentSummary }) {
  return (
    <div className="environment">
      <div className="line">
        {entry.name !== null && <strong>{entry.name}</strong>}
        {entry.rollout === null ? (
          <StateWord state={entry.state} />
        ) : (
          <Link to="/rollouts/$rollout" params={{ rollout: entry.rollout }} search={{}}>
            <StateWord state={entry.state} />
          </Link>
        )}
        {entry.sinceMs !== null && (
          <span className="quiet">
            for <Lasting fromMs={entry.sinceMs} toMs={null} />
          </span>
        )}
      </div>
      <VersionLine version={entry.version} />
      <div className="strip-line">
        <DotStrip dots={entry.dots} isRolling={entry.rollout !== null} />
        {entry.errors !== null && <Sparkline points={entry.errors} />}
      </div>
    </div>
  );
}

function Nothing() {
  return (
    <section className="empty">
      <h1>Nothing is deployed yet</h1>
      <p>In a Git repository of yours:</p>
      <pre>{'rollway init\ngit add rollway.config.ts && git commit -m "Deploy with Rollway"\nrollway deploy'}</pre>
    </section>
  );
}
