import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '../../src/api/index.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A running `rollway demo`, as a person in a terminal has it. */
export interface DemoProcess {
  readonly child: ChildProcess;
  readonly folder: string;
  output(): string;
  client(): Client;
  /** Resolves when the output contains the text; fails when the demo ends first or the deadline passes. */
  whenSaid(text: string, deadlineMs: number): Promise<void>;
  /** Ctrl-C; resolves with the exit code when everything is stopped. */
  interrupt(): Promise<number | null>;
}

export function startDemo(folder: string, ...flags: string[]): DemoProcess {
  const argv = [
    '--disable-warning=ExperimentalWarning',
    main,
    'demo',
    '--data',
    join(folder, 'd'),
    '--port',
    '17070',
    ...flags,
  ];
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // The person's own list of servers stays as it is.
    env: { ...process.env, XDG_CONFIG_HOME: join(folder, 'config'), NO_COLOR: '1' },
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const data = join(folder, 'd', 'server');
  return {
    child,
    folder,
    output: () => output,
    client() {
      const { url } = JSON.parse(readFileSync(join(data, 'address.json'), 'utf8')) as { url: string };
      return createClient({ baseUrl: url, token: readFileSync(join(data, 'admin-token'), 'utf8').trim(), fetch });
    },
    async whenSaid(text, deadlineMs) {
      const deadline = Date.now() + deadlineMs;
      while (!output.includes(text)) {
        if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}:\n${output}`);
        if (Date.now() > deadline) throw new Error(`it did not say "${text}" in time:\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    interrupt() {
      child.kill('SIGINT');
      return ended;
    },
  };
}

/** Every process whose command line names the folder: none may be left when the demo has ended. */
export function processesIn(folder: string): string[] {
  const { execFileSync } = process.getBuiltinModule('node:child_process');
  const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(folder) && !line.includes('ps -eo'));
}
