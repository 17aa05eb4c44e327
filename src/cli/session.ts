import { readFile } from 'node:fs/promises';
import { type Client, createClient } from '../api/index.ts';
import { contextsFile, readContexts } from '../io/index.ts';
import { ProblemError, problem } from '../model/index.ts';
import { type CliEnvironment, readEnvironment } from './environment.ts';
import { createOutput, type Output, type OutputFormat } from './output.ts';

/** Flags that every verb takes. */
export interface GlobalFlags {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly context?: string;
  readonly output?: OutputFormat;
  readonly color?: boolean;
}

/** What a verb works with: the server, and a way to speak to the person. */
export interface Session {
  readonly client: Client;
  readonly url: string;
  readonly token: string;
  readonly out: Output;
  /** Aborted by Ctrl-C: watching ends, whatever was asked of the server goes on. */
  readonly signal: AbortSignal;
}

export function outputOf(flags: GlobalFlags): Output {
  const environment = readEnvironment(process.env, process.stdout.isTTY === true);
  return createOutput({
    format: flags.output ?? 'table',
    isColour: flags.color !== false && environment.isColour,
    isTty: process.stdout.isTTY === true,
    // Nothing is cut for a program that reads it.
    columns: process.stdout.isTTY === true ? Math.min(process.stdout.columns ?? 100, 100) : Number.POSITIVE_INFINITY,
  });
}

/** Finds the server (flag, environment, current context) and its token. */
export async function openSession(flags: GlobalFlags, signal: AbortSignal): Promise<Session> {
  const environment = readEnvironment(process.env, process.stdout.isTTY === true);
  const { url, tokenFile } = await findServer(flags, environment);
  const token = (await readToken(tokenFile)).trim();
  return { client: createClient({ baseUrl: url, token, fetch }), url, token, out: outputOf(flags), signal };
}

async function findServer(
  flags: GlobalFlags,
  environment: CliEnvironment,
): Promise<{ url: string; tokenFile: string }> {
  const file = contextsFile(environment.variables);
  const { current, contexts } = await readContexts(file);
  const name = flags.context ?? environment.context ?? current;
  const context = name === undefined ? undefined : contexts[name];
  const url = flags.server ?? environment.server ?? context?.url;
  const tokenFile = flags.tokenFile ?? environment.tokenFile ?? context?.tokenFile;
  if (flags.context !== undefined && context === undefined) {
    throw new ProblemError(
      problem('cli/no-server', `there is no context "${flags.context}" in ${file}`, { known: Object.keys(contexts) }),
    );
  }
  if (url === undefined || tokenFile === undefined) {
    throw new ProblemError(problem('cli/no-server', `${file} names none, and neither does the command line`));
  }
  return { url, tokenFile };
}

async function readToken(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const detail = `the token file ${file} cannot be read`;
    throw new ProblemError(problem('auth/unauthenticated', detail, { code: (cause as NodeJS.ErrnoException).code }), {
      cause,
    });
  }
}
