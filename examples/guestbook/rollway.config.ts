import { defineService } from 'rollway/config';

export default defineService({
  name: 'guestbook',
  command: 'node src/server.js',
  ready: '/healthz',
  metrics: '/metrics',
  test: 'node --test',
  tasks: 12,
  budget: '25%', // at most three of the twelve are out, whatever the causes
  drain: '1s',
  bake: { min: '6s', max: '25s' }, // short, so that the tour is short; the defaults are minutes
  judge: { bin: '1s', warmup: '2s' },
});
