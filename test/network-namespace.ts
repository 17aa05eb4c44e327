// A network of its own on this machine, reached only over a pair of virtual cables: what another host looks like.
import { execFileSync } from 'node:child_process';

export interface NetworkNamespace {
  /** Address inside of it, and of our end of the cable. */
  readonly theirs: string;
  readonly ours: string;
  /** The words that run a command inside of it, before its own. */
  readonly prefix: readonly string[];
  close(): void;
}

export interface NamespaceOptions {
  /** Names it, with the number of this process. */
  readonly name: string;
  /** The third number of its addresses, 10.213.<net>.x. */
  readonly net: number;
}

/** Linux, root, and a kernel that allows it. */
export function canMakeNamespaces(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const name = `rw-try-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return true;
  } catch {
    return false;
  }
}

export function openNamespace({ name, net }: NamespaceOptions): NetworkNamespace {
  const namespace = `${name}-${process.pid}`;
  // Names of network devices have 15 characters at most.
  const cable = `${name}${process.pid % 100_000}`;
  const [ours, theirs] = [`10.213.${net}.1`, `10.213.${net}.2`];
  const prefix = ['ip', 'netns', 'exec', namespace] as const;
  const inside = (...words: string[]): void => ip(...prefix.slice(1), 'ip', ...words);
  const close = (): void => {
    try {
      ip('netns', 'del', namespace);
    } catch {
      // never made
    }
  };
  try {
    ip('netns', 'add', namespace);
    ip('link', 'add', `${cable}a`, 'type', 'veth', 'peer', 'name', `${cable}b`, 'netns', namespace);
    ip('addr', 'add', `${ours}/30`, 'dev', `${cable}a`);
    ip('link', 'set', `${cable}a`, 'up');
    inside('addr', 'add', `${theirs}/30`, 'dev', `${cable}b`);
    inside('link', 'set', `${cable}b`, 'up');
    inside('link', 'set', 'lo', 'up');
  } catch (error) {
    close();
    throw error;
  }
  return { ours, theirs, prefix, close };
}

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: 'pipe' });
}
