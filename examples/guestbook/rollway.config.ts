import { defineService } from 'rollway/config';

export default defineService({
  name: 'guestbook',
  command: 'node src/server.js',
  ready: '/healthz',
  metrics: '/metrics',
  test: 'node --test',
  tasks: 12,
  budget: '25%', // at most three of the twelve are out, whatever the causes
  drain: '2s',
  bake: { min: '6s', max: '15s' }, // short, so that the tour is short; the defaults are minutes
  onUndecided: 'proceed', // one task gets too few requests in 15 s to prove a version good; a bad one shows
  judge: { bin: '1s', warmup: '2s' },
  checks: { latency: { delta: '50%', margin: '100%' } }, // a few milliseconds more or less are no harm here
});
