import { defineService } from 'rollway/config';

export default defineService({
  name: 'http-server',
  command: 'node node_modules/http-server/bin/http-server public -a {address} -p {port}',
  ready: '/',
  build: 'npm ci --omit=dev',
  environments: { production: { tasks: 4, bake: '5s' } },
});
