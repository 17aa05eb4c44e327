import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What to show and what to hide. */
export interface SandboxWish {
  /** Stays as it is, writable, even inside a hidden folder. */
  readonly open: string;
  /** Where the command begins; in `open`. */
  readonly cwd: string;
  /** Appear empty. */
  readonly hidden: readonly string[];
}

/** Words before a command that confine it, or undefined where this machine cannot. */
export type Sandbox = (wish: SandboxWish) => readonly string[];

// In a mount namespace of its own: an empty folder over each hidden one, then the open one put back into its place.
// Nothing of a wish is in the script itself.
const script = `
open=$1; cwd=$2; shift 2
exec 9<"$open" || exit 126
while [ "$1" != -- ]; do mount -t tmpfs -o size=64k,mode=0755 rollway-hidden "$1" || exit 126; shift; done
shift
mkdir -p "$open" && mount -c --bind /proc/self/fd/9 "$open" && cd "$cwd" || exit 126
exec 9<&-
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"
`;

/**
 * Finds by trying whether folders can be hidden from a command: as root in a mount namespace, as anybody else in a
 * user and mount namespace. The command keeps our user but none of root's powers, so it cannot take the cover away
 * or look round it through /proc.
 */
export function probeSandbox(): Sandbox | undefined {
  if (process.platform !== 'linux') return undefined;
  const isRoot = process.getuid?.() === 0;
  const namespaces = ['--mount', '--propagation', 'private', ...(isRoot ? [] : ['--user', '--map-root-user'])];
  const sandbox: Sandbox = ({ open, cwd, hidden }) => [
    ...['unshare', ...namespaces, '--', '/bin/sh', '-c', script, 'rollway', open, cwd],
    ...hidden.filter((folder) => existsSync(folder)),
    '--',
  ];
  return works(sandbox) ? sandbox : undefined;
}

/** Believes only what it has seen: the hidden file is gone, the open folder can be written. */
function works(sandbox: Sandbox): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'rollway-probe-'));
  try {
    const open = join(folder, 'open');
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'secret');
    mkdirSync(open);
    const [program = '', ...args] = sandbox({ open, cwd: open, hidden: [folder] });
    const check = ['/bin/sh', '-c', '[ ! -e "$1" ] && : >seen', 'rollway', secret];
    const { status } = spawnSync(program, [...args, ...check], { timeout: 5000, stdio: 'ignore' });
    return status === 0 && existsSync(join(open, 'seen')) && readFileSync(secret, 'utf8') === 'secret';
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
