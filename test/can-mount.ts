import { execFileSync } from 'node:child_process';

/** Whether this process may mount a file system: needs root, and a machine that lets root do it. */
export function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'true'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}
