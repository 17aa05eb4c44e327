import { Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

const connectMs = 4000;

/** Connected to somebody whose certificate is not the pinned one. Nothing was sent. */
export class WrongFingerprintError extends Error {
  readonly seen: string;
  constructor(expected: string, seen: string) {
    super(`the server's certificate has the fingerprint ${seen}, not ${expected}`);
    this.name = 'WrongFingerprintError';
    this.seen = seen;
  }
}

/**
 * An HTTPS agent that trusts exactly one certificate, by the hex SHA-256 of its DER bytes, whatever name or issuer it
 * has. A socket is handed out only after the check, so no byte of a request reaches anybody else.
 */
export function pinnedAgent(fingerprint: string, { maxSockets = 8 }: { maxSockets?: number } = {}): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets, maxCachedSessions: 0, scheduling: 'lifo' });
  const open = (options: ConnectionOptions, done: (error: Error | null, socket: Duplex) => void): undefined => {
    // The pin replaces the chain of issuers: a self-signed certificate is the ordinary case.
    const socket = connect({ ...options, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
    const fail = (error: Error): void => done(error, socket);
    socket.once('error', fail);
    // An address that swallows packets must not cost a heartbeat more than this.
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${connectMs} ms`)), connectMs);
    socket.once('close', () => clearTimeout(timer));
    socket.once('secureConnect', () => {
      socket.off('error', fail);
      clearTimeout(timer);
      const seen = fingerprintOf(socket);
      if (seen === fingerprint) return done(null, socket);
      socket.destroy();
      done(new WrongFingerprintError(fingerprint, seen), socket);
    });
  };
  // Node's types know only the form that returns a socket at once.
  (agent as unknown as { createConnection: typeof open }).createConnection = open;
  return agent;
}

function fingerprintOf(socket: TLSSocket): string {
  const certificate = socket.getPeerX509Certificate();
  return certificate ? certificate.fingerprint256.replaceAll(':', '').toLowerCase() : 'none';
}
