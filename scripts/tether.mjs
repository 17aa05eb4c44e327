// Loaded before a command that bootstrap.mjs starts: when bootstrap.mjs is gone (the pipe closes), the command is told
// to stop. The pipe is dropped from the environment, so the command's own children are not tethered.
import { Socket } from 'node:net';

const fd = Number(process.env.ROLLWAY_TETHER);
delete process.env.ROLLWAY_TETHER;
if (fd) {
  const tether = new Socket({ fd, readable: true, writable: false });
  tether.on('error', () => {});
  tether.on('close', () => process.kill(process.pid, 'SIGTERM'));
  tether.resume();
  tether.unref();
}
