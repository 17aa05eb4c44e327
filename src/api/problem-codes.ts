import { catalogue, type ProblemCode } from '../model/index.ts';

export type { ProblemCode };

/** Every code of the catalogue. */
export const problemCodes = Object.keys(catalogue) as ProblemCode[];
