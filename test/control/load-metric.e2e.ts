// The pace by a metric of the service: agents scrape it, the server's samples tell the load, and a release goes slower.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const within = { timeout: 90_000, interval: 100 };

let fleet: LocalFleet;
let repository: ReturnType<typeof makeRepository>;
let queue: string;

/** Each task tells how long its queue is: the number in a file. */
const serverOf = (name: string) => `
const { readFileSync } = require('node:fs');
require('node:http').createServer((request, response) => {
  if (request.url === '/metrics') response.end('# TYPE queue_length gauge\\nqueue_length ' + readFileSync(process.env.QUEUE, 'utf8') + '\\n');
  else response.end('${name}');
}).listen(process.env.PORT, process.env.HOST);
`;

beforeAll(async () => {
  fleet = await openLocalFleet(2);
  queue = join(fleet.folder, 'queue');
  writeFileSync(queue, '95');
  repository = makeRepository(join(fleet.folder, 'paced'));
});
afterAll(() => fleet?.close());

const config = () => `name: paced
command: node server.js
ready: { tcp: http }
metrics: /metrics
tasks: 4
budget: 4
drain: 100ms
phases: [all]
bake: 200ms
env: { QUEUE: '${queue}' }
checks: { errors: false, latency: false }
pipeline: manual
taskControl: { loadAware: { metric: queue_length, full: 100 }, low: '50%', high: '90%', floor: 1, interval: 300ms }
`;

async function rolled(commit: string) {
  const { id } = await fleet.client.deploy({ params: { service: 'paced' }, body: { commit } });
  await expect
    .poll(async () => (await fleet.client.getRelease({ params: { release: id } })).state, within)
    .toBe('succeeded');
}

/** How many updates were under way at once, at most, by the events since this one. */
function courseSince(from: number): number {
  const open = new Set<string>();
  let most = 0;
  for (const { type, data } of fleet.events.slice(from)) {
    const { operation, kind } = data as { operation?: string; kind?: string };
    if (operation === undefined) continue;
    if (type === 'operation.admitted' && kind === 'update') open.add(operation);
    else if (type === 'operation.ended') open.delete(operation);
    most = Math.max(most, open.size);
  }
  return most;
}

test('TWD-10 D10 one at a time while the metric says peak, with the number in the explanation', async () => {
  const first = repository.commit({ 'rollway.yaml': config(), 'server.js': serverOf('one') }, 'one');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(async () => (await fleet.client.listServices()).items.length, within).toBe(1);
  await rolled(first);
  const second = repository.commit({ 'server.js': serverOf('two') }, 'two');
  const said = new Set<string>();
  const at = fleet.events.length;
  const { id } = await fleet.client.deploy({ params: { service: 'paced' }, body: { commit: second } });
  const isThrough = async () => {
    const { operations } = await fleet.client.getJob({ params: { job: 'paced@production' } });
    for (const { blockedBy } of operations) if (blockedBy !== null) said.add(blockedBy);
    return (await fleet.client.getRelease({ params: { release: id } })).state;
  };
  await expect.poll(isThrough, within).toBe('succeeded');
  expect([...said].join('\n')).toMatch(/the load is 0\.95: 1 at once/);
  expect(courseSince(at)).toBe(1);
});
