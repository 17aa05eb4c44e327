import { closeSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

// A Unix socket's path has room for 107 bytes; data folders can lie deeper than that.
const maxPathBytes = 100;

/** Listens on a Unix socket in a folder; only this user can connect (the folder is 0700). Replaces a dead socket. */
export async function listenUnix(
  folder: string,
  name: string,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  rmSync(join(folder, name), { force: true });
  const { path, release } = shortPath(folder, name);
  try {
    const server = createServer(onConnection);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return server;
  } finally {
    release();
  }
}

/** Connects to it; rejects when nobody listens there. */
export async function connectUnix(folder: string, name: string): Promise<Socket> {
  const { path, release } = shortPath(folder, name);
  try {
    return await new Promise<Socket>((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(socket);
      });
    });
  } finally {
    release();
  }
}

/** Calls back for each line of JSON; a line above `maxLineBytes` or one that is not JSON ends the connection. */
export function readJsonLines(socket: Socket, maxLineBytes: number, onMessage: (message: unknown) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    const messages = rest.length > maxLineBytes ? undefined : parseAll(lines);
    if (messages) for (const message of messages) onMessage(message);
    else socket.destroy();
  });
}

export function writeJsonLine(socket: Socket, message: unknown): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

function parseAll(lines: readonly string[]): unknown[] | undefined {
  try {
    return lines.map((line) => JSON.parse(line));
  } catch {
    return undefined;
  }
}

function shortPath(folder: string, name: string): { path: string; release: () => void } {
  const path = join(folder, name);
  if (Buffer.byteLength(path) < maxPathBytes || process.platform !== 'linux') return { path, release: () => {} };
  const descriptor = openSync(folder, 'r');
  return { path: `/proc/self/fd/${descriptor}/${name}`, release: () => closeSync(descriptor) };
}
