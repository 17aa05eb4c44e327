import { expect, test } from 'vitest';
import { compileSpec } from '../../spec/index.ts';
import { backtestView } from './backtests.ts';

function specOf(config: object) {
  const compiled = compileSpec({ name: 'shop', command: 'node server.js', ...config }, 'rollway.yaml');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  const { spec } = compiled.value;
  const deploy = spec.pipeline.actions.find((action) => action.type === 'deploy')!;
  return { spec, plan: deploy.plan };
}
const places = Array.from({ length: 20 }, (_, index) => ({ index, host: `host-${index % 4}`, labels: {} }));

test('more care exposes fewer tasks and takes longer; what is assumed is said', () => {
  const { spec, plan } = specOf({ tasks: 20, metrics: '/metrics', budget: '25%' });
  const view = backtestView(spec, 'any@production', { plan, spec: spec.environments[0]! }, places, []);
  const row = (name: string) => view.rows.find(({ plan: one }) => one === name)!;
  expect(view.rows.map(({ plan: one }) => one)).toEqual(['yours', 'careful', 'standard', 'fast', 'everyone-at-once']);
  expect(row('yours')).toEqual({ ...row('standard'), plan: 'yours' });
  expect(row('careful').doneMs).toBeGreaterThan(row('fast').doneMs);
  expect(row('careful').meanExposed).toBeLessThan(row('everyone-at-once').meanExposed);
  expect(row('everyone-at-once').mostExposed).toBe(20);
  expect(view.notes.join(' ')).toMatch(/No release has gone through.*No release was bad/);
});

test('own releases are taken where there are any', () => {
  const { spec, plan } = specOf({ tasks: 20, metrics: '/metrics' });
  const past = [
    { id: 'ro_1', was: 'good', taskMs: 2000, bakeMs: 70_000, evidenceMs: 0 },
    { id: 'ro_2', was: 'bad', taskMs: 2000, bakeMs: 0, evidenceMs: 30_000 },
  ] as const;
  const view = backtestView(spec, 'any@production', { plan, spec: spec.environments[0]! }, places, past);
  expect(view).toMatchObject({ good: 1, bad: 1, notes: [expect.stringContaining('not part of it')] });
  // Thirty task seconds are reached while the first task bakes.
  expect(view.rows[0]).toMatchObject({ mostExposed: 1, exposedTaskMs: 30_000, missed: 0 });
});
