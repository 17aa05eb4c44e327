/** Files with the certificates that this machine trusts. */
const certificates = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO'];
/** Addresses through which it reaches others. */
const addresses = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy'];
const registries = ['npm_config_registry', 'NPM_CONFIG_REGISTRY'];

/**
 * What builds get of the agent's own environment: how this machine reaches the network, so that `npm ci` works behind
 * a proxy or a certificate authority of one's own. Never an address that holds a password. Tasks get nothing.
 */
export function buildEnvironment(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const handedOn: Record<string, string> = {};
  for (const name of [...certificates, ...addresses, ...registries]) {
    const value = variables[name];
    if (value !== undefined && value !== '' && !value.includes('@')) handedOn[name] = value;
  }
  return handedOn;
}
