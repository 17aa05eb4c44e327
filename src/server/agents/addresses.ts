import { networkInterfaces } from 'node:os';

/**
 * Addresses under which another machine may reach this one, best first: of real interfaces before those of bridges
 * and containers, IPv4 before IPv6, and loopback last, for agents on this machine.
 */
export function agentAddresses(port: number, interfaces = networkInterfaces()): string[] {
  const found: { address: string; rank: number }[] = [];
  for (const [name, addresses] of Object.entries(interfaces)) {
    for (const { address, family, internal } of addresses ?? []) {
      // A link-local address means something only together with the interface of the other side.
      if (internal || address.startsWith('fe80:') || address.startsWith('169.254.')) continue;
      const isVirtual = /^(docker|br-|veth|virbr|cni|flannel)/.test(name);
      found.push({
        address: family === 'IPv6' ? `[${address}]` : address,
        rank: (isVirtual ? 2 : 0) + (family === 'IPv6' ? 1 : 0),
      });
    }
  }
  found.sort((a, b) => a.rank - b.rank);
  return [...found.map(({ address }) => address), '127.0.0.1'].map((address) => `https://${address}:${port}`);
}
