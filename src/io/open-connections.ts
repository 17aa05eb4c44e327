import { open } from 'node:fs/promises';

/** Beyond this the tables are not read: a machine with so many connections has better things to do. */
const maxBytes = 8 * 1024 * 1024;
/** A line of the table whose state is ESTABLISHED; most lines of a busy machine only wait for their end. */
const established = /^ *\d+: (\S+) \S+ 01 /gm;
/** The kernel hands out a few pages at a time. */
const chunkBytes = 64 * 1024;

/**
 * Connections that are open to ports of this machine, by `address:port` of its side (IPv6: `[]:port`). Undefined where
 * the kernel does not show them, or shows too many.
 */
export async function countOpenConnections(folder = '/proc/net'): Promise<ReadonlyMap<string, number> | undefined> {
  const [v4, v6] = await Promise.all(['tcp', 'tcp6'].map((name) => readBounded(`${folder}/${name}`)));
  if (v4 === undefined) return undefined;
  const counts = new Map<string, number>();
  for (const [, local] of `${v4}\n${v6 ?? ''}`.matchAll(established)) {
    const key = nameOf(local!);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** The key of a port at an address in what `countOpenConnections` gives. */
export function endpointKey(address: string, port: number): string {
  return address.includes(':') ? `[]:${port}` : `${address}:${port}`;
}

/** `0100007F:1F90` → `127.0.0.1:8080`; so are IPv4 addresses in IPv6 clothes. */
function nameOf(local: string): string {
  const [address = '', port = ''] = local.split(':');
  const isMapped = address.length === 32 && address.startsWith('0000000000000000FFFF0000');
  const short = isMapped ? address.slice(24) : address;
  if (short.length !== 8) return `[]:${Number.parseInt(port, 16)}`;
  const bytes = [6, 4, 2, 0].map((at) => Number.parseInt(short.slice(at, at + 2), 16));
  return `${bytes.join('.')}:${Number.parseInt(port, 16)}`;
}

async function readBounded(path: string): Promise<string | undefined> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    let text = Buffer.allocUnsafe(4 * chunkBytes);
    let bytes = 0;
    for (;;) {
      if (text.length - bytes < chunkBytes) text = Buffer.concat([text], 2 * text.length);
      const { bytesRead } = await file.read(text, bytes, text.length - bytes, null);
      if (bytesRead === 0) return text.toString('latin1', 0, bytes);
      bytes += bytesRead;
      if (bytes > maxBytes) return undefined;
    }
  } finally {
    await file.close();
  }
}
