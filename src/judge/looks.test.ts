import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dueLook, passShareOfLook, planLooks, planLooksAtEveryBin, shareOfLook } from './looks.ts';

test('looks stand further and further apart, one at the end of the bake', () => {
  expect(planLooks(20).ages.slice(0, 8)).toEqual([2, 3, 4, 6, 9, 13, 20, 27]);
  expect(planLooks(8).ages.slice(0, 5)).toEqual([2, 3, 4, 6, 8]);
  expect(planLooks(0).ages[0]).toBe(2);
});

test('however often and however late it is asked, the shares of the looks used never exceed the whole', () => {
  const ages = fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 60 });
  fc.assert(
    fc.property(ages, fc.integer({ min: 1, max: 500 }), fc.boolean(), (asked, planned, isEveryBin) => {
      const plan = isEveryBin ? planLooksAtEveryBin(planned) : planLooks(planned);
      let last = 0;
      let spent = 0;
      let spentOnPass = 0;
      for (const age of asked.sort((a, b) => a - b)) {
        const look = dueLook(plan, age, last);
        if (look === undefined) continue;
        expect(look).toBeGreaterThan(last);
        expect(look).toBeLessThanOrEqual(age);
        spent += shareOfLook(plan, look);
        spentOnPass += passShareOfLook(plan, look);
        last = look;
      }
      expect(spent).toBeLessThanOrEqual(1 + 1e-12);
      expect(spentOnPass).toBeLessThanOrEqual(1 + 1e-12);
      expect(dueLook(plan, last, last)).toBeUndefined();
    }),
  );
});
