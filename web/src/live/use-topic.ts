import { useEffect, useSyncExternalStore } from 'react';
import type { DataOf, ProblemDocument, Topic } from '../../../src/api/index.ts';
import { connection, type Freshness } from './connection.ts';

export interface Live<T> {
  readonly data: T | undefined;
  readonly problem: ProblemDocument | undefined;
}

/** The live value of a topic; `data` is undefined until the first snapshot. */
export function useTopic<T extends Topic>(topic: T): Live<DataOf<T>> {
  useEffect(() => connection.follow(topic), [topic]);
  const state = useSyncExternalStore(connection.subscribe, () => connection.stateOf(topic));
  return { data: state?.data as DataOf<T> | undefined, problem: state?.problem };
}

export function useFreshness(): Freshness {
  return useSyncExternalStore(connection.subscribe, connection.freshness);
}
