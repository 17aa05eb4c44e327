import { defineService } from 'rollway/config';

export default defineService({
  name: 'verdaccio',
  command: 'node node_modules/verdaccio/bin/verdaccio --config config.yaml --listen {address}:{port}',
  ready: { http: '/-/ping', within: '60s' },
  build: 'npm ci --omit=dev',
  memory: '512MB',
  environments: { production: { tasks: 3, phases: 'fast' } },
});
