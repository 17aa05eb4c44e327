import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { probeSandbox } from './sandbox.ts';

const sandbox = probeSandbox();
const isRoot = process.getuid?.() === 0;

test.runIf(sandbox)('TWX-1 a command in the sandbox cannot read a hidden folder, by any way we know', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rw-sandbox-'));
  try {
    const open = join(folder, 'actions', 'one');
    mkdirSync(join(open, 'tree'), { recursive: true });
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'do not tell');
    const fixed = join(folder, 'fixed');
    mkdirSync(fixed);
    writeFileSync(join(fixed, 'given'), 'given');
    const prefix = sandbox!({ open, readOnly: fixed, cwd: join(open, 'tree'), hidden: [folder] });
    const looks = [
      'cat "$1"',
      'cat "/proc/1/root$1"',
      'cat "/proc/$PPID/root$1"',
      'umount "$2"; cat "$1"',
      'cat /proc/self/fd/9/../../secret',
      'unshare --mount sh -c "umount $2; cat $1"',
    ];
    for (const look of looks) {
      const [program = '', ...args] = [...prefix, '/bin/sh', '-c', `${look}; echo made > file`, 'sh', secret, folder];
      const { stdout, status } = spawnSync(program, args, { encoding: 'utf8', timeout: 5000 });
      expect({ look, stdout, status }).toEqual({ look, stdout: '', status: 0 });
      expect(readFileSync(join(open, 'tree', 'file'), 'utf8')).toBe('made\n');
    }
    const [program = '', ...args] = [...prefix, '/bin/sh', '-c', 'cat "$1/given"; echo x >"$1/given"', 'sh', fixed];
    expect(spawnSync(program, args, { encoding: 'utf8' })).toMatchObject({ stdout: 'given', status: 2 });
    // Against a test that could not fail: without the sandbox the secret is read.
    expect(spawnSync('cat', [secret], { encoding: 'utf8' }).stdout).toBe('do not tell');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.runIf(sandbox && isRoot)('an ordinary user hides folders in a user namespace, or is told that it cannot', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rw-sandbox-'));
  try {
    chmodSync(folder, 0o777);
    const script = `import { probeSandbox } from ${JSON.stringify(join(import.meta.dirname, 'sandbox.ts'))};
      process.stdout.write(String(probeSandbox() !== undefined));`;
    const file = join(folder, 'probe.mts');
    writeFileSync(file, script);
    const argv = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, file];
    const { stdout, stderr } = spawnSync('setpriv', argv, {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, TMPDIR: folder },
    });
    // Whether user namespaces are allowed is the machine's affair; that the probe answers is ours.
    expect(stdout, stderr).toMatch(/^(true|false)$/);
    process.stdout.write(`as nobody: hidden folders ${stdout}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
