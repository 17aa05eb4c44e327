import { useEffect, useState } from 'react';
import { problemOf } from '../client.ts';

export interface Planned<T> {
  readonly plan: T | undefined;
  /** Why there is none, in words. */
  readonly problem: string | undefined;
}

const settleMs = 250;

/** The plan of what a form says now: asked for again a moment after it has changed; an older answer never replaces a newer. */
export function usePlan<T>(key: string, ask: () => Promise<T> | undefined): Planned<T> {
  const [planned, setPlanned] = useState<Planned<T> & { readonly key?: string }>({
    plan: undefined,
    problem: undefined,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says what the question is
  useEffect(() => {
    let isOld = false;
    const timer = setTimeout(async () => {
      try {
        const plan = await ask();
        if (!isOld) setPlanned({ plan, problem: undefined, key });
      } catch (error) {
        const { detail, remedy } = problemOf(error);
        if (!isOld) setPlanned({ plan: undefined, problem: `${detail} ${remedy}`, key });
      }
    }, settleMs);
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [key]);
  return planned.key === key ? planned : { plan: undefined, problem: undefined };
}
