import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { TaskPlanView } from '../../../src/api/index.ts';
import type { JobId } from '../../../src/model/index.ts';
import { client, once } from '../client.ts';
import { formatDuration } from '../words.ts';
import { Dialog } from './dialog.tsx';
import { ReasonForm } from './reason-form.tsx';
import { usePlan } from './use-plan.ts';

export type TaskWish = 'restart' | 'move' | 'resize' | 'retire';

export const taskWishWords: Readonly<Record<TaskWish, string>> = {
  restart: 'Restart',
  move: 'Move',
  resize: 'Resize',
  retire: 'Retire',
};

const abouts: Readonly<Record<TaskWish, string>> = {
  restart: 'New incarnations of what runs, one task first.',
  move: 'Each task serves on another host before it stops where it is.',
  resize: 'Until the next deployment says its own number.',
  retire: 'Stops all tasks; no release is let in until somebody unholds it.',
};

interface Props {
  readonly job: JobId;
  readonly wish: TaskWish;
  readonly size: number;
  /** Left out: all. */
  readonly tasks?: readonly number[];
  readonly onClose: () => void;
}

/** Asks which tasks, shows the plan of it, and starts exactly that plan, with a reason. */
export function TaskPlanDialog({ job, wish, size, tasks, onClose }: Props) {
  const [text, setText] = useState(tasks === undefined ? '' : tasks.join(', '));
  const [atOnce, setAtOnce] = useState('');
  const [wanted, setWanted] = useState(String(size));
  const [confirm, setConfirm] = useState('');
  const [begun, setBegun] = useState<Awaited<ReturnType<typeof client.changeTasks>>>();
  const body = bodyOf(wish, text, atOnce, wanted);
  const { plan, problem } = usePlan(JSON.stringify(body ?? text), () =>
    body === undefined ? undefined : client.planTasks({ params: { job }, body }),
  );
  const isReady = plan !== undefined && plan.steps.length > 0;
  const isConfirmed = wish !== 'retire' || confirm === job;
  const send = async (reason: string) => {
    if (plan === undefined || body === undefined) return undefined;
    const given = { ...body, planHash: plan.hash, reason, ...(wish === 'retire' ? { confirm } : {}) };
    setBegun(await client.changeTasks({ params: { job }, body: given }, once()));
    return undefined;
  };
  const title = `${taskWishWords[wish]} ${job}`;
  if (begun !== undefined) {
    return (
      <Dialog title={title} onClose={onClose}>
        <h2>{title}</h2>
        <p role="status">{begun.sentence}</p>
        <div className="actions">
          {begun.rollout !== null && (
            <Link to="/rollouts/$rollout" params={{ rollout: begun.rollout }} search={{}}>
              Watch it
            </Link>
          )}
          <button type="button" className="accent" onClick={onClose}>
            Close
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <ReasonForm
      title={title}
      word={taskWishWords[wish]}
      kind={wish === 'retire' ? 'danger' : 'accent'}
      isReady={isReady && isConfirmed}
      send={send}
      onClose={onClose}
    >
      <p>{abouts[wish]}</p>
      {(wish === 'restart' || wish === 'move') && (
        <div className="fields">
          <label>
            Tasks
            <input value={text} placeholder="all, or 0-3, 7" onChange={(event) => setText(event.target.value)} />
          </label>
          <label>
            At most at once
            <input
              inputMode="numeric"
              value={atOnce}
              placeholder="the budget"
              onChange={(event) => setAtOnce(event.target.value)}
            />
          </label>
        </div>
      )}
      {wish === 'resize' && (
        <label>
          Tasks
          <input inputMode="numeric" value={wanted} onChange={(event) => setWanted(event.target.value)} />
        </label>
      )}
      {body === undefined && <p className="problem">Write whole numbers, such as 12, or 0-3, 7 for tasks.</p>}
      {problem !== undefined && <p className="problem">{problem}</p>}
      <PlanSteps plan={plan} />
      {wish === 'retire' && (
        <label>
          Type {job} to confirm
          <input value={confirm} onChange={(event) => setConfirm(event.target.value)} />
        </label>
      )}
    </ReasonForm>
  );
}

function PlanSteps({ plan }: { plan: TaskPlanView | undefined }) {
  if (plan === undefined) return <p className="quiet plan-steps">The plan …</p>;
  return (
    <section className="plan-steps" aria-label="Plan">
      <ol>
        {plan.steps.map((step) => (
          <li key={step.name}>
            <strong>{step.name}</strong>{' '}
            <span className="num">
              {step.tasks.length === 1 ? `task ${step.tasks[0]}` : `${step.tasks.length} tasks`}, {step.atOnce} at a
              time, at least {step.servingAtLeast} of {step.of} serve
            </span>
          </li>
        ))}
      </ol>
      {plan.notes.map((note) => (
        <p key={note}>{note}</p>
      ))}
      <p className="quiet num">
        budget {plan.budget} out · about {formatDuration(plan.estimateMs)} · plan {plan.hash}
      </p>
    </section>
  );
}

/** Undefined: it is not readable. */
function bodyOf(wish: TaskWish, text: string, atOnce: string, wanted: string) {
  if (wish === 'retire') return { do: wish };
  if (wish === 'resize') {
    const size = wholeOf(wanted);
    return size === undefined || size < 1 ? undefined : { do: wish, size };
  }
  const tasks = text.trim() === '' ? undefined : indicesOf(text);
  const most = atOnce.trim() === '' ? undefined : wholeOf(atOnce);
  if ((text.trim() !== '' && tasks === undefined) || (atOnce.trim() !== '' && !most)) return undefined;
  return { do: wish, ...(tasks === undefined ? {} : { tasks }), ...(most === undefined ? {} : { atOnce: most }) };
}

function wholeOf(text: string): number | undefined {
  return /^\d{1,6}$/.test(text.trim()) ? Number(text) : undefined;
}

/** `0-3, 7` → 0, 1, 2, 3, 7; undefined: it is none of that. */
function indicesOf(text: string): number[] | undefined {
  const found: number[] = [];
  for (const part of text.split(',')) {
    const [from, to = from] = part.split(/[-–]/).map(wholeOf);
    if (from === undefined || to === undefined || to < from || to - from > 10_000) return undefined;
    for (let index = from; index <= to; index++) found.push(index);
  }
  return found;
}
