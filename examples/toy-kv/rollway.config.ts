import { defineService } from 'rollway/config';

export default defineService({
  name: 'toy-kv',
  command: 'node server.js',
  ready: '/healthz',
  tasks: 5,
  budget: 1,
  phases: ['all'], // one phase: so the leader is the last of all, and there is one election in a release
  taskControl: { leaderLast: '/leader' },
  env: { PEERS: '/tmp/toy-kv', MEMBERS: '5' },
});
