import { useState } from 'react';
import type { JobId } from '../../../src/model/index.ts';
import { useMayOperate } from '../live/use-me.ts';
import { TaskPlanDialog, type TaskWish, taskWishWords } from './task-plan-dialog.tsx';

interface Props {
  readonly job: JobId;
  readonly size: number;
  /** Only these tasks; left out: the job. */
  readonly tasks?: readonly number[];
  readonly wishes?: readonly TaskWish[];
}

const ofJob: readonly TaskWish[] = ['restart', 'move', 'resize', 'retire'];

/** What a person can have done with the tasks of a job, apart from deployments; nothing for who may only look. */
export function TaskPlanButtons({ job, size, tasks, wishes = ofJob }: Props) {
  const [asked, setAsked] = useState<TaskWish | undefined>();
  const mayOperate = useMayOperate();
  if (mayOperate !== true || size === 0) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would frame it
    <div
      className="task-plans"
      role="group"
      aria-label={tasks === undefined ? `Tasks of ${job}` : `Task ${tasks.join(', ')}`}
    >
      {wishes.map((wish) => (
        <button key={wish} type="button" className="quiet" onClick={() => setAsked(wish)}>
          {taskWishWords[wish]} …
        </button>
      ))}
      {asked !== undefined && (
        <TaskPlanDialog
          job={job}
          wish={asked}
          size={size}
          {...(tasks === undefined ? {} : { tasks })}
          onClose={() => setAsked(undefined)}
        />
      )}
    </div>
  );
}
