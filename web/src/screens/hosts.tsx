import { Fragment, useState } from 'react';
import type { HostView } from '../../../src/api/index.ts';
import { useMayOperate } from '../live/use-me.ts';
import { useTopic } from '../live/use-topic.ts';
import { Pending } from '../parts/loading.tsx';
import { MaintenanceDialog } from '../parts/maintenance-dialog.tsx';
import { MaintenanceList } from '../parts/maintenance-list.tsx';
import { StateWord } from '../parts/state-word.tsx';
import { useTitle } from '../parts/use-title.ts';
import { formatDuration } from '../words.ts';

const columns = [
  'host',
  'rack',
  'state',
  'tasks',
  'cores free',
  'memory free',
  'disk free',
  'address',
  'agent',
  'maintenance',
];
const numeric = new Set(['tasks', 'cores free', 'memory free', 'disk free']);

/** Hosts by region and rack, in one table so that its numbers line up. */
export function HostsScreen() {
  const { data, problem } = useTopic('hosts');
  const [asked, setAsked] = useState<string | undefined>();
  const mayOperate = useMayOperate();
  useTitle('Hosts');
  if (data === undefined) return <Pending problem={problem} what="the hosts" />;
  const { hosts, maintenances } = data;
  const worked = new Set(maintenances.flatMap((one) => one.hosts));
  const up = hosts.filter((host) => host.state === 'up').length;
  const regions = [...new Set(hosts.map((host) => host.region ?? 'no region'))].sort(inOrder);
  return (
    <>
      <h1>
        Hosts{' '}
        <span className="quiet small num">
          {up} of {hosts.length} up
        </span>
      </h1>
      <MaintenanceList entries={maintenances} />
      {asked !== undefined && <MaintenanceDialog hosts={hosts} host={asked} onClose={() => setAsked(undefined)} />}
      {hosts.length === 0 && (
        <p className="quiet">
          No host has joined yet. Run <code>rollway agent token</code> here, then <code>rollway agent --join …</code>{' '}
          there.
        </p>
      )}
      {hosts.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways
        <section className="scroll" tabIndex={0} aria-label="Hosts by region and rack">
          <table className="hosts">
            <thead>
              <tr>
                {columns.map((name) => (
                  <th key={name} scope="col" className={numeric.has(name) ? 'right' : ''}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {regions.map((region) => (
                <Fragment key={region}>
                  <tr className="group">
                    <th scope="rowgroup" colSpan={columns.length}>
                      {region}
                    </th>
                  </tr>
                  {hosts
                    .filter((host) => (host.region ?? 'no region') === region)
                    .sort((a, b) => inOrder(a.rack ?? '', b.rack ?? '') || inOrder(a.id, b.id))
                    .map((host) => (
                      <Row
                        key={host.id}
                        host={host}
                        isWorkedOn={worked.has(host.id)}
                        onMaintain={mayOperate === true ? () => setAsked(host.id) : undefined}
                      />
                    ))}
                </Fragment>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {lacks.map(({ what, means }) => {
        const bare = hosts.filter((host) => !host.abilities.some((ability) => what.test(ability)));
        if (bare.length === 0) return null;
        const names = bare.length === hosts.length ? 'any host' : bare.map(({ id }) => id).join(', ');
        return (
          <p key={means} className="quiet">
            Not on {names}: {means}.
          </p>
        );
      })}
    </>
  );
}

/** What a machine may not give; `rollway doctor` says what it would take. */
const lacks = [
  { what: /^hidden-folders$/, means: 'a sandbox, so that builds and tasks can read what the agent’s user can' },
  { what: /^cgroup-.*-memory$/, means: 'limits on memory' },
  { what: /^cgroup-.*-cpu$/, means: 'limits on processor time' },
] as const;

function inOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

interface RowProps {
  readonly host: HostView;
  readonly isWorkedOn: boolean;
  /** Undefined: who is signed in may not. */
  readonly onMaintain: (() => void) | undefined;
}

function Row({ host, isWorkedOn, onMaintain }: RowProps) {
  const jobs = new Map<string, number>();
  for (const task of host.tasks) jobs.set(task.job, (jobs.get(task.job) ?? 0) + 1);
  return (
    <tr id={host.id}>
      <th scope="row">{host.id}</th>
      <td>{host.rack ?? '–'}</td>
      <td>
        <StateWord state={host.state} />
        {isWorkedOn && <span className="quiet"> in maintenance</span>}
        {host.silentForMs !== null && <span className="quiet num"> silent for {formatDuration(host.silentForMs)}</span>}
      </td>
      <td className="num right" title={[...jobs].map(([job, n]) => `${job}: ${n}`).join(', ')}>
        {host.tasks.length}
      </td>
      <td className="num right">{((host.capacity.cpuMillis - host.used.cpuMillis) / 1000).toFixed(1)}</td>
      <td className="num right">{((host.capacity.memoryMb - host.used.memoryMb) / 1024).toFixed(1)} GB</td>
      <td className="num right">{host.freeDiskRatio === null ? '–' : `${Math.round(host.freeDiskRatio * 100)} %`}</td>
      <td>
        <code>{host.address}</code>
      </td>
      <td className="quiet" title={host.abilities.join(', ')}>
        {host.agentVersion}
      </td>
      <td>
        {onMaintain !== undefined && (
          <button type="button" className="quiet" onClick={onMaintain} aria-label={`Open a maintenance of ${host.id}`}>
            Open …
          </button>
        )}
      </td>
    </tr>
  );
}
