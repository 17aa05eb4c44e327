import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What to show and what to hide. */
export interface SandboxWish {
  /** Stays as it is, writable, even inside a hidden folder. */
  readonly open: string;
  /** Stays as it is, and cannot be written. */
  readonly readOnly?: string | undefined;
  /** Where the command begins; in one of those. */
  readonly cwd: string;
  /** Appear empty. */
  readonly hidden: readonly string[];
}

/** Words before a command that confine it. */
export type Sandbox = (wish: SandboxWish) => readonly string[];

// In a mount namespace of its own: what stays is held by an open descriptor, an empty folder is put over each hidden
// one, and what stays is put back into its place. Nothing of a wish is in the script itself.
const script = `
mode=$1 uid=$2 gid=$3 cwd=$4 open=$5 fixed=$6; shift 6
exec 8<"$fixed" 9<"$open" || exit 126
while [ "$1" != -- ]; do mount -t tmpfs -o size=64k,mode=0755 rollway-hidden "$1" || exit 126; shift; done
shift
mkdir -p "$fixed" "$open" || exit 126
if [ "$fixed" != "$open" ]; then
  mount -c --bind /proc/self/fd/8 "$fixed" && mount -o remount,bind,ro "$fixed" || exit 126
fi
mount -c --bind /proc/self/fd/9 "$open" && cd "$cwd" || exit 126
exec 8<&- 9<&-
[ "$mode" = root ] && exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"
exec unshare --user --map-user="$uid" --map-group="$gid" -- setpriv --inh-caps=-all --no-new-privs -- "$@"
`;

/**
 * Finds by trying whether folders can be hidden from a command: as root in a mount namespace, as anybody else in a
 * user and mount namespace. The command keeps our user but none of root's powers, so it cannot take the cover away
 * or look round it through /proc. Undefined where this machine cannot.
 */
export function probeSandbox(): Sandbox | undefined {
  if (process.platform !== 'linux') return undefined;
  const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()];
  const isRoot = uid === 0;
  const namespaces = ['--mount', '--propagation', 'private', ...(isRoot ? [] : ['--user', '--map-root-user'])];
  const sandbox: Sandbox = ({ open, readOnly, cwd, hidden }) => [
    ...['unshare', ...namespaces, '--', '/bin/sh', '-c', script, 'rollway'],
    ...[isRoot ? 'root' : 'user', String(uid), String(gid), cwd, open, readOnly ?? open],
    ...hidden.filter((folder) => existsSync(folder)),
    '--',
  ];
  return works(sandbox) ? sandbox : undefined;
}

/** Believes only what it has seen: the secret is gone, one folder can be written and the other only read. */
function works(sandbox: Sandbox): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'rollway-probe-'));
  try {
    const [open, readOnly, secret] = [join(folder, 'open'), join(folder, 'fixed'), join(folder, 'secret')];
    mkdirSync(open);
    mkdirSync(readOnly);
    writeFileSync(join(readOnly, 'given'), '');
    writeFileSync(secret, 'secret');
    const [program = '', ...args] = sandbox({ open, readOnly, cwd: open, hidden: [folder] });
    const look = '[ ! -e "$1" ] && [ -e "$2/given" ] && ! (echo >"$2/made") 2>/dev/null && echo >seen';
    const check = ['/bin/sh', '-c', look, 'rollway', secret, readOnly];
    const { status } = spawnSync(program, [...args, ...check], { timeout: 5000, stdio: 'ignore' });
    return status === 0 && existsSync(join(open, 'seen')) && readFileSync(secret, 'utf8') === 'secret';
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
