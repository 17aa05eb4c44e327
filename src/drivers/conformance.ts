import { afterAll, beforeAll, describe, test } from 'vitest';
import { type Cluster, type DriverRule, driverRules, Rehearsal } from './driver-rules.ts';

/** The rules of all drivers, one test each; `has`: what the cluster can do besides. */
export function driverConformance(
  name: string,
  open: () => Promise<Cluster>,
  has: readonly DriverRule['needs'][] = ['partition'],
): void {
  describe(`driver conformance: ${name}`, () => {
    let at: Rehearsal;
    beforeAll(async () => {
      at = new Rehearsal(await open());
      at.open();
    });
    afterAll(() => at.close());

    const rules = driverRules.filter(({ needs }) => needs === undefined || has.includes(needs));
    for (const { rule, try: attempt } of rules) test(rule, () => attempt(at));
  });
}
