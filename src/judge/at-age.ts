import { matureAge } from './bin-table.ts';

/** What a curve over the bins since a restart says of this age: beyond its end as at its end, and nothing once mature. */
export function atAge(curve: readonly number[], age: number): number {
  if (curve.length === 0 || age >= matureAge) return 0;
  return age < curve.length ? curve[Math.max(0, age)]! : curve[curve.length - 1]!;
}
