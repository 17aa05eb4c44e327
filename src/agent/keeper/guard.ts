import { type ChildProcess, spawn } from 'node:child_process';

// Reads the process group of the running life, one per line, and kills the last one when the keeper's end closes.
const script = 'g=; while IFS= read -r l; do g=$l; done; case $g in ""|*[!0-9]*) ;; *) kill -s KILL -- "-$g";; esac';

/**
 * A process that does nothing but wait for the keeper's death, in order to kill the task at that moment: Node cannot
 * ask the kernel for it (`PR_SET_PDEATHSIG`), and a task must never outlive the process that knows about it.
 */
export interface Guard {
  watch(groupId: number): void;
  /** The group is gone: its number may be given to somebody else. */
  unwatch(): void;
  close(): void;
}

export function openGuard(onLost: () => void): Guard {
  const child: ChildProcess = spawn('/bin/sh', ['-c', script], {
    // A session of its own, so that no signal to the keeper's or the task's group reaches it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  let isClosed = false;
  const say = (text: string): void => {
    child.stdin?.write(text);
  };
  child.stdin?.on('error', () => {}); // its end is noticed by 'exit'
  child.once('error', () => !isClosed && onLost());
  child.once('exit', () => !isClosed && onLost());
  return {
    watch: (groupId) => say(`${groupId}\n`),
    unwatch: () => say('\n'),
    close() {
      isClosed = true;
      say('\n');
      child.stdin?.end();
    },
  };
}
