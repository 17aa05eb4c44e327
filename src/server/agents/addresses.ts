import { networkInterfaces } from 'node:os';

const anyIpv4 = '0.0.0.0';
const anyIpv6 = '::';

/**
 * Addresses under which another machine may reach this one, best first: of real interfaces before those of bridges
 * and containers, IPv4 before IPv6, and loopback last, for agents on this machine. A port that is bound to one address
 * is reached there only.
 */
export function agentAddresses(port: number, boundTo: string, interfaces = networkInterfaces()): string[] {
  if (boundTo !== anyIpv4 && boundTo !== anyIpv6) return [urlOf(boundTo, port)];
  const found: { address: string; rank: number }[] = [];
  for (const [name, addresses] of Object.entries(interfaces)) {
    for (const { address, family, internal } of addresses ?? []) {
      // A link-local address means something only together with the interface of the other side.
      if (internal || address.startsWith('fe80:') || address.startsWith('169.254.')) continue;
      if (family === 'IPv6' && boundTo === anyIpv4) continue;
      const isVirtual = /^(docker|br-|veth|virbr|cni|flannel)/.test(name);
      found.push({ address, rank: (isVirtual ? 2 : 0) + (family === 'IPv6' ? 1 : 0) });
    }
  }
  found.sort((a, b) => a.rank - b.rank);
  return [...found.map(({ address }) => address), '127.0.0.1'].map((address) => urlOf(address, port));
}

function urlOf(address: string, port: number): string {
  return `https://${address.includes(':') ? `[${address}]` : address}:${port}`;
}
