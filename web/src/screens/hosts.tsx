import type { HostView } from '../../../src/api/index.ts';
import { useTopic } from '../live/use-topic.ts';
import { Pending } from '../parts/loading.tsx';
import { StateWord } from '../parts/state-word.tsx';
import { counted, formatDuration } from '../words.ts';

/** Hosts by region and rack. */
export function HostsScreen() {
  const { data, problem } = useTopic('hosts');
  if (data === undefined) return <Pending problem={problem} what="the hosts" />;
  const places = new Map<string, HostView[]>();
  for (const host of data.hosts) {
    const place = [host.region ?? 'no region', host.rack].filter((part) => part !== null).join(' · ');
    places.set(place, [...(places.get(place) ?? []), host]);
  }
  return (
    <>
      <h1>Hosts</h1>
      {data.hosts.length === 0 && (
        <p className="quiet">
          No host has joined yet: <code>rollway agent token</code>, then there <code>rollway agent --join …</code>
        </p>
      )}
      {[...places.entries()]
        .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
        .map(([place, hosts]) => (
          <section key={place} aria-label={place}>
            <h2>{place}</h2>
            <div className="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">host</th>
                    <th scope="col">state</th>
                    <th scope="col">address</th>
                    <th scope="col">tasks</th>
                    <th scope="col">cores free</th>
                    <th scope="col">memory free</th>
                    <th scope="col">disk free</th>
                    <th scope="col">agent</th>
                  </tr>
                </thead>
                <tbody>
                  {hosts.map((host) => (
                    <Row key={host.id} host={host} />
                  ))}
                </tbody>
              </table>
            </div>
          </section>
        ))}
    </>
  );
}

function Row({ host }: { host: HostView }) {
  const jobs = new Map<string, number>();
  for (const task of host.tasks) jobs.set(task.job, (jobs.get(task.job) ?? 0) + 1);
  return (
    <tr id={host.id}>
      <th scope="row">{host.id}</th>
      <td>
        <StateWord state={host.state} />
        {host.silentForMs !== null && <div className="quiet">silent for {formatDuration(host.silentForMs)}</div>}
      </td>
      <td>
        <code>{host.address}</code>
      </td>
      <td>{jobs.size === 0 ? '–' : [...jobs].map(([job, n]) => `${job} (${counted(n, 'task')})`).join(', ')}</td>
      <td className="num">{((host.capacity.cpuMillis - host.used.cpuMillis) / 1000).toFixed(1)}</td>
      <td className="num">{Math.round(host.capacity.memoryMb - host.used.memoryMb).toLocaleString('en')} MB</td>
      <td className="num">{host.freeDiskRatio === null ? '–' : `${Math.round(host.freeDiskRatio * 100)} %`}</td>
      <td className="quiet" title={host.abilities.join(', ')}>
        {host.agentVersion}
      </td>
    </tr>
  );
}
