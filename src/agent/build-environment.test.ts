import { expect, test } from 'vitest';
import { buildEnvironment } from './build-environment.ts';

test('builds get how the machine reaches the network, no password, and nothing else', () => {
  const variables = {
    NODE_EXTRA_CA_CERTS: '/etc/ssl/own.pem',
    https_proxy: 'http://proxy.internal:3128',
    HTTPS_PROXY: 'http://me:secret@proxy.internal:3128',
    npm_config_registry: 'https://npm.internal/',
    NO_PROXY: '',
    AWS_SECRET_ACCESS_KEY: 'x',
    PATH: '/bin',
  };
  expect(buildEnvironment(variables)).toEqual({
    NODE_EXTRA_CA_CERTS: '/etc/ssl/own.pem',
    https_proxy: 'http://proxy.internal:3128',
    npm_config_registry: 'https://npm.internal/',
  });
});
