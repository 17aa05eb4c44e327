import type { Server, Socket } from 'node:net';
import { listenUnix, readJsonLines, writeJsonLine } from '../../io/sockets.ts';
import type { Output } from './output.ts';
import { type KeeperMessage, type KeeperRequest, keeperFiles } from './spec.ts';
import type { StateFile } from './state.ts';

const maxRequestBytes = 4096;

/** The keeper's ear: one Unix socket in its folder. Whoever connects is the agent (the folder is 0700). */
export async function openControl(
  folder: string,
  state: StateFile,
  output: Output,
  on: { readonly lease: () => void; readonly stop: () => void },
): Promise<Server> {
  const sockets = new Set<Socket>();
  const tell = (socket: Socket, message: KeeperMessage): void => writeJsonLine(socket, message);
  state.onChange((current) => {
    for (const socket of sockets) tell(socket, { type: 'state', state: current });
  });
  const server = await listenUnix(folder, keeperFiles.socket, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    on.lease();
    tell(socket, { type: 'state', state: state.current });
    readJsonLines(socket, maxRequestBytes, (message) => {
      const request = message as KeeperRequest;
      on.lease();
      if (request.type === 'lease') tell(socket, { type: 'pong' });
      if (request.type === 'stop') on.stop();
      if (request.type === 'tail') {
        tell(socket, { type: 'tail', request: request.request, lines: output.last(request.lines) });
      }
    });
  });
  server.unref();
  return server;
}
