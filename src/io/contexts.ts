import { homedir } from 'node:os';
import { join } from 'node:path';
import { ensureFolder, readJson, writeFileAtomic } from './files.ts';

/** One control plane that the command knows: where it is, and which file holds the token (never the token itself). */
export interface CliContext {
  readonly url: string;
  readonly tokenFile: string;
}

export interface Contexts {
  readonly current: string | undefined;
  readonly contexts: Readonly<Record<string, CliContext>>;
}

/** `~/.config/rollway/contexts.json`, or under `XDG_CONFIG_HOME`. The caller passes its environment. */
export function contextsFile(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment.XDG_CONFIG_HOME ?? join(environment.HOME ?? homedir(), '.config');
  return join(base, 'rollway', 'contexts.json');
}

/** The contexts in the file; none when it is missing or damaged. */
export async function readContexts(file: string): Promise<Contexts> {
  const json = (await readJson(file)) as Partial<Contexts> | undefined;
  const contexts: Record<string, CliContext> = {};
  for (const [name, entry] of Object.entries(json?.contexts ?? {})) {
    if (typeof entry?.url === 'string' && typeof entry.tokenFile === 'string') contexts[name] = entry;
  }
  return { current: typeof json?.current === 'string' ? json.current : undefined, contexts };
}

/**
 * Adds or replaces one context. It becomes the current one when there is no other, or when `replaces` says that it may
 * take the other's place.
 */
export async function writeContext(
  file: string,
  name: string,
  context: CliContext,
  replaces: (current: CliContext) => Promise<boolean>,
): Promise<void> {
  const { current, contexts } = await readContexts(file);
  const other = current === undefined || current === name ? undefined : contexts[current];
  const isCurrent = other === undefined || (await replaces(other));
  await ensureFolder(join(file, '..'));
  const next: Contexts = { current: isCurrent ? name : current, contexts: { ...contexts, [name]: context } };
  await writeFileAtomic(file, `${JSON.stringify(next, null, 2)}\n`);
}
