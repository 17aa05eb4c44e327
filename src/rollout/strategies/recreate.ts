import type { Strategy } from './port.ts';

/**
 * All of a phase stop before any of them starts again, on the way back too: for services of which two versions must
 * not run at once. What was on a host that is lost is not waited for.
 */
export const recreate: Strategy = {
  name: 'recreate',
  down(_, { members }) {
    if (!members.some(({ runs }) => runs === 'other')) return [];
    return members.filter(({ runs }) => runs !== 'wanted').map(({ index }) => index);
  },
};
