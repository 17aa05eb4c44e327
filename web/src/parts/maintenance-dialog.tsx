import { useState } from 'react';
import type { HostView, MaintenancePlanView } from '../../../src/api/index.ts';
import { client, once } from '../client.ts';
import { clock, formatDuration } from '../words.ts';
import { ReasonForm } from './reason-form.tsx';
import { usePlan } from './use-plan.ts';

interface Props {
  readonly hosts: readonly HostView[];
  /** The scope it begins with. */
  readonly host: string;
  readonly onClose: () => void;
}

/** Announces work on a host or domain: shows first what becomes of the tasks there. */
export function MaintenanceDialog({ hosts, host, onClose }: Props) {
  const [scope, setScope] = useState(`host ${host}`);
  const [lead, setLead] = useState('15');
  const [length, setLength] = useState('30');
  const [hostsStayUp, setHostsStayUp] = useState(false);
  const body = bodyOf(scope, lead, length, hostsStayUp);
  const { plan, problem } = usePlan(JSON.stringify(body ?? 'unreadable'), () =>
    body === undefined ? undefined : client.planMaintenance({ body }),
  );
  const send = async (reason: string) => {
    if (body === undefined) return undefined;
    await client.openMaintenance({ body: { ...body, reason } }, once());
    onClose();
    return undefined;
  };
  return (
    <ReasonForm title="Open a maintenance" word="Open" isReady={plan !== undefined} send={send} onClose={onClose}>
      <label>
        What is worked on
        <select value={scope} onChange={(event) => setScope(event.target.value)}>
          {scopesOf(hosts, host).map(({ value, text }) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </label>
      <div className="fields">
        <label>
          Tasks have to leave (minutes)
          <input inputMode="decimal" value={lead} onChange={(event) => setLead(event.target.value)} />
        </label>
        <label>
          Then the work takes (minutes)
          <input inputMode="decimal" value={length} onChange={(event) => setLength(event.target.value)} />
        </label>
      </div>
      <label className="tick">
        <input type="checkbox" checked={hostsStayUp} onChange={(event) => setHostsStayUp(event.target.checked)} />
        The work leaves processes alone (a switch is restarted)
      </label>
      {body === undefined && <p className="problem">Write minutes as numbers.</p>}
      {problem !== undefined && <p className="problem">{problem}</p>}
      <MaintenancePlan plan={plan} />
    </ReasonForm>
  );
}

const answerWords = { move: 'is moved', hold: 'stops, and comes back', ignore: 'rides it out' } as const;

function MaintenancePlan({ plan }: { plan: MaintenancePlanView | undefined }) {
  if (plan === undefined) return <p className="quiet plan-steps">The plan …</p>;
  return (
    <section className="plan-steps" aria-label="Plan">
      <p className="num">
        {plan.hosts.join(', ')}: tasks leave from {clock(plan.leaveAtMs)}, the work begins at {clock(plan.deadlineAtMs)}{' '}
        and takes {formatDuration(plan.untilMs - plan.deadlineAtMs)}
      </p>
      {plan.waitsFor !== null && <p>It waits its turn: {plan.waitsFor}</p>}
      {plan.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      <ul>
        {plan.jobs.map(({ job, tasks, budget }) => (
          <li key={job}>
            <strong>{job}</strong>{' '}
            <span className="num">
              budget {budget}:{' '}
              {tasks
                .slice(0, 12)
                .map(
                  ({ index, answer, goesTo }) =>
                    `task ${index} ${goesTo === null ? answerWords[answer] : `→ ${goesTo}`}`,
                )
                .join(', ')}
              {tasks.length > 12 ? `, and ${tasks.length - 12} more` : ''}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function scopesOf(hosts: readonly HostView[], host: string): { value: string; text: string }[] {
  const labels = hosts.find(({ id }) => id === host)?.labels ?? {};
  const domains = Object.entries(labels).map(([label, value]) => {
    const count = hosts.filter((one) => one.labels[label] === value).length;
    return { value: `${label}=${value}`, text: `${label} ${value} (${count} hosts)` };
  });
  return [{ value: `host ${host}`, text: host }, ...domains];
}

function bodyOf(scope: string, lead: string, length: string, hostsStayUp: boolean) {
  const [leadMs, forMs] = [minutesOf(lead), minutesOf(length)];
  if (leadMs === undefined || forMs === undefined) return undefined;
  const times = { leadMs, forMs, hostsStayUp };
  if (scope.startsWith('host ')) return { host: scope.slice(5), ...times };
  const at = scope.indexOf('=');
  return { domain: { label: scope.slice(0, at), value: scope.slice(at + 1) }, ...times };
}

function minutesOf(text: string): number | undefined {
  return /^\d{1,5}(\.\d+)?$/.test(text.trim()) ? Math.round(Number(text) * 60_000) : undefined;
}
