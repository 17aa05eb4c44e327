import { defineService } from 'rollway/config';

export default defineService({
  name: 'moving-shards',
  command: 'node server.mjs',
  ready: '/healthz',
  tasks: 6,
  budget: 1,
  // The controller of manager.mjs, served by `serveTaskControl` of rollway/sdk.
  taskControl: { url: 'http://127.0.0.1:9000/' },
  env: { PEERS: '/tmp/moving-shards' },
});
