/**
 * Numbers in, numbers out: distributions, robust summaries, rank tests, spending of error chances. None of our words.
 * Checked against closed forms, published tables, and values made once with SciPy (`oracle.json`).
 * No `**` and no `Math.pow`: they differ between majors of the engine.
 */
export * from './beta.ts';
export * from './counts.ts';
export { logGamma, lowerGamma, upperGamma } from './gamma.ts';
export * from './normal.ts';
export * from './rank-test.ts';
export * from './robust.ts';
export * from './student.ts';
export * from './trimmed.ts';
