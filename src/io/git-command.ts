import { spawn } from 'node:child_process';
import { err, ok, problem, type Result } from '../model/index.ts';

export interface GitLimits {
  readonly timeoutMs?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly input?: string | undefined;
}

/** What a repository says of itself is data: none of its settings makes Git run a program, ask or go elsewhere. */
const settings = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.quotePath=false',
  'core.pager=cat',
  'log.showSignature=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'protocol.allow=never',
  'protocol.file.allow=always',
  'protocol.https.allow=always',
  'protocol.http.allow=always',
  'protocol.ssh.allow=always',
  'protocol.ext.allow=never',
];

/** Handed on from our own environment: what reaching a repository may need, and nothing that steers Git. */
const passedOn = ['PATH', 'HOME', 'SSH_AUTH_SOCK', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy'];

/** The arguments and the environment with which every Git process of ours starts. */
export function gitInvocation(folder: string, args: readonly string[]): { argv: string[]; env: NodeJS.ProcessEnv } {
  const inherited = passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return {
    argv: ['-C', folder, '--literal-pathspecs', ...settings.flatMap((setting) => ['-c', setting]), ...args],
    env: {
      ...Object.fromEntries(inherited),
      LC_ALL: 'C',
      GIT_TERMINAL_PROMPT: '0',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_NO_REPLACE_OBJECTS: '1',
    },
  };
}

/**
 * Runs `git` with these arguments in a folder, without a shell and without a terminal. Whatever Git starts itself
 * ends with it: at the deadline, when too much comes out, or when the signal says so.
 */
export async function runGit(folder: string, args: readonly string[], limits: GitLimits = {}): Promise<Result<Buffer>> {
  const { timeoutMs = 60_000, maxBytes = 64 * 1024 * 1024, signal, input = '' } = limits;
  signal?.throwIfAborted();
  const { argv, env } = gitInvocation(folder, args);
  const child = spawn('git', argv, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  let complaint = '';
  let bytes = 0;
  let stopped: 'late' | 'large' | 'aborted' | undefined;
  const stop = (why: NonNullable<typeof stopped>) => {
    stopped ??= why;
    killGroup(child.pid);
  };
  child.stdout.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > maxBytes) stop('large');
    else output.push(part);
  });
  child.stderr.on('data', (part: Buffer) => {
    if (complaint.length < 20_000) complaint += part.toString('utf8');
  });
  child.stdin.on('error', () => undefined); // Git may end before it has read everything
  child.stdin.end(input);
  const timer = setTimeout(() => stop('late'), timeoutMs);
  const onAbort = () => stop('aborted');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (stopped === 'aborted') signal?.throwIfAborted();
    const what = `git ${args.find((arg, at) => arg !== '-c' && args[at - 1] !== '-c')}`;
    if (stopped === 'late') {
      return err(problem('git/timed-out', `\`${what}\` did not end within ${timeoutMs / 1000} s.`, { folder }));
    }
    if (stopped === 'large') return err(problem('git/too-large', `\`${what}\` gave more than ${maxBytes} bytes.`));
    if (code === 0) return ok(Buffer.concat(output));
    return err(problem('git/failed', withoutSecrets(complaint.trim().slice(0, 2000) || `${what} failed`), { code }));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return err(problem('git/failed', 'There is no `git` command on this machine.', {}, 'Install Git.'));
    }
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The same, its output as one trimmed line of text. */
export async function runGitForLine(
  folder: string,
  args: readonly string[],
  limits?: GitLimits,
): Promise<Result<string>> {
  const output = await runGit(folder, args, limits);
  return output.ok ? ok(output.value.toString('utf8').trim()) : output;
}

export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}

/** `https://me:token@host/x` → `https://…@host/x` */
export function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, '//…@');
}
