import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { agentAddresses } from './addresses.ts';
import { fingerprintOf, makeCertificate } from './certificate.ts';
import { openIdentity } from './identity.ts';

describe('the certificate', () => {
  test('is one that OpenSSL reads, signed by its own key, valid from yesterday for a hundred years', () => {
    const nowMs = Date.UTC(2026, 10, 21);
    const { certificate } = makeCertificate('rollway-server', nowMs);
    const read = new X509Certificate(certificate);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(read.subject).toBe('CN=rollway-server');
    expect(read.subjectAltName).toBe('DNS:rollway-server');
    expect(read.validFrom).toBe('Nov 20 00:00:00 2026 GMT');
    expect(new Date(read.validTo).getUTCFullYear()).toBe(2126);
    expect(read.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(fingerprintOf(certificate));
  });

  test('serial numbers of many are positive and none is like another', () => {
    const serials = Array.from(
      { length: 20 },
      () => new X509Certificate(makeCertificate('a', 0).certificate).serialNumber,
    );
    expect(new Set(serials).size).toBe(20);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('serves a real TLS 1.3 handshake that believes nobody but it', async () => {
    const made = makeCertificate('rollway-server', Date.now());
    const server = createServer({ key: made.key, cert: made.certificate, minVersion: 'TLSv1.3' }, (socket) =>
      socket.end('hi'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const options = { port, host: '127.0.0.1', servername: 'rollway-server' };
    const trusted = connect({ ...options, ca: made.certificate });
    await once(trusted, 'secureConnect');
    expect([trusted.authorized, trusted.getProtocol()]).toEqual([true, 'TLSv1.3']);
    trusted.destroy();
    const other = makeCertificate('rollway-server', Date.now());
    const untrusted = connect({ ...options, ca: other.certificate });
    await expect(once(untrusted, 'secureConnect')).rejects.toThrow();
    server.close();
  });
});

test('the identity is kept for its owner alone; a damaged one is never replaced', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'rollway-identity-'));
  try {
    const first = await openIdentity(dataDir, Date.now());
    const file = join(dataDir, 'agents', 'server-identity.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await chmod(file, 0o644);
    expect(await openIdentity(dataDir, Date.now())).toEqual(first);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, 100));
    await expect(openIdentity(dataDir, Date.now())).rejects.toMatchObject({ problem: { code: 'server/data-folder' } });
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test('addresses: real interfaces first, then those of bridges, loopback last, link-local never', () => {
  const of = (address: string, internal = false) => [
    {
      address,
      internal,
      family: address.includes(':') ? 'IPv6' : 'IPv4',
      netmask: '',
      mac: '',
      cidr: null,
      scopeid: 0,
    } as never,
  ];
  const interfaces = {
    lo: of('127.0.0.1', true),
    docker0: of('172.17.0.1'),
    eth1: of('fe80::1'),
    eth2: of('2001:db8::7'),
    eth0: of('192.168.7.4'),
  };
  expect(agentAddresses(7071, '0.0.0.0', interfaces)).not.toContain('https://[2001:db8::7]:7071');
  expect(agentAddresses(7071, '10.0.0.1', interfaces)).toEqual(['https://10.0.0.1:7071']);
  expect(agentAddresses(7071, '::', interfaces)).toEqual([
    'https://192.168.7.4:7071',
    'https://[2001:db8::7]:7071',
    'https://172.17.0.1:7071',
    'https://127.0.0.1:7071',
  ]);
});
