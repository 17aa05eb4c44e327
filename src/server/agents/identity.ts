import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { ProblemError, problem } from '../../model/index.ts';
import { type Certificate, fingerprintOf, isUsableKey, makeCertificate } from './certificate.ts';

export interface ServerIdentity extends Certificate {
  readonly fingerprint: string;
}

/** The name in the certificate; agents compare only the fingerprint. */
export const serverName = 'rollway-server';

/**
 * The server's identity towards agents: made at the first start, kept in the data folder for its owner only. Losing
 * it means that every agent has to join again, so a damaged file is an error and never replaced silently.
 */
export async function openIdentity(dataDir: string, nowMs: number): Promise<ServerIdentity> {
  const folder = join(dataDir, 'agents');
  const file = join(folder, 'server-identity.json');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const text = await readIfThere(file);
  if (text === undefined) {
    const made = makeCertificate(serverName, nowMs);
    await writePrivate(file, JSON.stringify(made));
    return { ...made, fingerprint: fingerprintOf(made.certificate) };
  }
  await chmod(file, 0o600);
  const known = parse(text);
  if (known === undefined) {
    const remedy = 'Restore it from a backup; or delete it and let every agent join again.';
    throw new ProblemError(problem('server/data-folder', `${file} is damaged.`, { file }, remedy));
  }
  return { ...known, fingerprint: fingerprintOf(known.certificate) };
}

function parse(text: string): Certificate | undefined {
  try {
    const { key, certificate } = JSON.parse(text) as Partial<Certificate>;
    const isWhole = typeof key === 'string' && typeof certificate === 'string' && isUsableKey(key);
    return isWhole ? { key, certificate } : undefined;
  } catch {
    return undefined;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all, readable by its owner alone from the first byte on. */
async function writePrivate(file: string, text: string): Promise<void> {
  const part = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(part, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, file);
}
