import type { CheckSpec } from '../model/index.ts';
import { rank } from './combine.ts';
import type { Judgement, JudgePlan } from './port.ts';

/** Damage elsewhere stops a rollout too, as far as its check is trusted to (H9). None of it is needed to pass. */
export function withNeighbours(judgement: Judgement, { neighbours = [] }: JudgePlan): Judgement {
  if (neighbours.length === 0) return judgement;
  const { verdict, holds = [] } = judgement;
  const failing = (trust: CheckSpec['trust']) =>
    neighbours.flatMap((one) => (one.trust === trust ? one.results.filter((result) => result.verdict === 'fail') : []));
  const [first] = failing('revert');
  const isNew = verdict.verdict !== 'fail' && first !== undefined;
  const all = [...verdict.perCheck, ...neighbours.flatMap(({ results }) => results)];
  return {
    ...judgement,
    holds: [...holds, ...failing('hold').map(({ sentence }) => sentence)],
    verdict: {
      ...verdict,
      ...(isNew && { verdict: 'fail' as const, sentence: first.sentence }),
      perCheck: all.sort((a, b) => rank(a.verdict) - rank(b.verdict)),
    },
  };
}
