import { refuse } from './errors.ts';

/**
 * Who a request claims to talk to, and where it comes from. A page of another site can make a browser send requests
 * here (and by DNS rebinding even read the answers); neither has our name in `Host` and `Origin`.
 */
export function checkOrigin(headers: Headers, isOurs: (host: string) => boolean): void {
  const host = headers.get('host');
  if (host === null || !isOurs(host.toLowerCase())) {
    refuse('auth/foreign-origin', 'The request names another host.', { host: clip(host ?? '') });
  }
  const origin = headers.get('origin');
  if (origin !== null && !isOwnOrigin(origin, isOurs)) {
    refuse('auth/foreign-origin', 'The request comes from a page of another site.', { origin: clip(origin) });
  }
  const site = headers.get('sec-fetch-site');
  const isNavigation = headers.get('sec-fetch-mode') === 'navigate';
  if (site !== null && site !== 'same-origin' && site !== 'none' && !isNavigation) {
    refuse('auth/foreign-origin', 'The request comes from a page of another site.', { site: clip(site) });
  }
}

function isOwnOrigin(origin: string, isOurs: (host: string) => boolean): boolean {
  const match = /^https?:\/\/([^/]+)$/.exec(origin.toLowerCase());
  return match?.[1] !== undefined && isOurs(match[1]);
}

/** The names we answer to on this port: loopback by any of its names, and those set by the operator. */
export function ownHosts(listen: string, port: number, others: readonly string[]): (host: string) => boolean {
  const names = new Set<string>();
  for (const name of [listen, '127.0.0.1', 'localhost', '[::1]']) names.add(`${name}:${port}`);
  for (const name of others) names.add(name.toLowerCase());
  if (port === 80) for (const name of [listen, '127.0.0.1', 'localhost', '[::1]']) names.add(name);
  return (host) => names.has(host);
}

function clip(text: string): string {
  return text.slice(0, 200);
}
