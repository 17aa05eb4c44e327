import { type Amount, phaseCountOf } from '../../model/index.ts';
import type { Strategy } from './port.ts';

/** In place, while extra tasks run the version of before. */
export const surge: Strategy = {
  name: 'surge',
  extras: ({ surge: amount }, size) => phaseCountOf(amount as Amount, size),
};
