import { expect, test } from 'vitest';
import type { OwnQuery } from '../../judge/read.ts';
import { askOwnQueries } from './own-queries.ts';
import { sourcesFileSchema } from './sources-file.ts';

const { prometheus: servers } = sourcesFileSchema.parse({
  prometheus: [
    { name: 'closed', url: 'http://127.0.0.1:1' },
    { name: 'main', url: 'http://127.0.0.1:2', ownQueries: { task: { address: 'instance' } } },
  ],
});
const query = (more: Partial<OwnQuery> = {}): OwnQuery => {
  return { job: 'shop@production', check: 'slow-queue', promql: 'queue', server: null, ...more };
};

test('a server that lets services ask is asked, by the label that the operator says', () => {
  const { byServer, findings } = askOwnQueries([query(), query({ check: 'b', server: 'main' })], servers);
  expect(findings).toEqual([]);
  expect([...byServer.keys()]).toEqual(['main']);
  expect(byServer.get('main')).toMatchObject([
    { metric: 'rollway_query_slow_queue', jobs: ['shop@production'], as: 'gauge', task: { address: 'instance' } },
    { metric: 'rollway_query_b' },
  ]);
});

test.each([
  ['closed', /is not asked: the Prometheus server closed does not let services ask/],
  ['nowhere', /is not asked: the sources file names no Prometheus server nowhere/],
])('a server %s is not asked, and a finding says why', (server, sentence) => {
  const { byServer, findings } = askOwnQueries([query({ server })], servers);
  expect(byServer.size).toBe(0);
  expect(findings).toMatchObject([
    { subject: 'shop@production/slow-queue', trouble: 'refused', sentence: expect.stringMatching(sentence) },
  ]);
});

test('where no server lets services ask, that is said; no server is asked without end', () => {
  expect(askOwnQueries([query()], servers.slice(0, 1)).findings[0]!.sentence).toMatch(/lets services ask\.$/);
  const many = Array.from({ length: 205 }, (_, i) => query({ check: `c${i}` }));
  const { byServer, findings } = askOwnQueries(many, servers);
  expect([byServer.get('main')!.length, findings.length]).toEqual([200, 5]);
});
