import { type JudgeVerdict, type NewEvent, type Rollout, rollway } from '../../model/index.ts';

/** What a look found, for the rollout's timeline; `more` is what only this kind of look knows. */
export function lookEvent(
  { id, job }: Rollout,
  phase: string,
  { lookId, verdict, sentence, perCheck }: JudgeVerdict,
  more: Readonly<Record<string, unknown>>,
): NewEvent {
  return {
    stream: `rollout/${id}`,
    type: 'judge.looked',
    actor: rollway('judge'),
    data: {
      ...{ job, phase, lookId, verdict, sentence, ...more },
      perCheck: perCheck.map(({ check, verdict: word, estimate, interval, power, newTasks, newEvents }) => ({
        ...{ check, verdict: word, estimate, interval, power, newTasks, newEvents },
      })),
    },
  };
}
