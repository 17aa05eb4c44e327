import { defineService } from 'rollway/config';

export default defineService({
  name: 'toy-shards',
  command: 'node server.js',
  ready: '/healthz',
  tasks: 6,
  budget: 3, // three may be out at once, but never two that share a shard
  taskControl: { shardAware: '/shards' },
  env: { PEERS: '/tmp/toy-shards', TASKS: '6' },
});
