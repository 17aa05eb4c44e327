import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { TaskPlanView } from '../../../src/api/index.ts';
import type { JobId } from '../../../src/model/index.ts';
import { client, once, problemOf } from '../client.ts';
import { formatDuration } from '../words.ts';
import { Dialog } from './dialog.tsx';
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
  const [reason, setReason] = useState('');
  const [state, setState] = useState<{ isSending: boolean; message?: string; rollout?: string; sentence?: string }>({
    isSending: false,
  });
  const body = bodyOf(wish, text, atOnce, wanted);
  const { plan, problem } = usePlan(JSON.stringify(body ?? text), () =>
    body === undefined ? undefined : client.planTasks({ params: { job }, body }),
  );
  const isReady = plan !== undefined && plan.steps.length > 0 && reason.trim() !== '';
  const isConfirmed = wish !== 'retire' || confirm === job;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (plan === undefined || body === undefined) return;
    setState({ isSending: true });
    try {
      const given = { ...body, planHash: plan.hash, reason: reason.trim(), ...(wish === 'retire' ? { confirm } : {}) };
      const { rollout, sentence } = await client.changeTasks({ params: { job }, body: given }, once());
      setState({ isSending: false, sentence, ...(rollout === null ? {} : { rollout }) });
    } catch (error) {
      const { title, detail, remedy } = problemOf(error);
      setState({ isSending: false, message: `${title}: ${detail} ${remedy}` });
    }
  };
  const title = `${taskWishWords[wish]} ${job}`;
  if (state.sentence !== undefined) {
    return (
      <Dialog title={title} onClose={onClose}>
        <h2>{title}</h2>
        <p role="status">{state.sentence}</p>
        <div className="actions">
          {state.rollout !== undefined && (
            <Link to="/rollouts/$rollout" params={{ rollout: state.rollout }} search={{}}>
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
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2>{title}</h2>
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
        <label>
          Reason
          <textarea rows={2} maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        {wish === 'retire' && (
          <label>
            Type {job} to confirm
            <input value={confirm} onChange={(event) => setConfirm(event.target.value)} />
          </label>
        )}
        {state.message !== undefined && (
          <p className="problem" role="alert">
            {state.message}
          </p>
        )}
        <div className="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className={wish === 'retire' ? 'danger' : 'accent'}
            disabled={state.isSending || !isReady || !isConfirmed}
          >
            {state.isSending ? 'Sending …' : taskWishWords[wish]}
          </button>
        </div>
      </form>
    </Dialog>
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
