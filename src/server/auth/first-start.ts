import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../io/index.ts';
import { rollway } from '../../model/index.ts';
import type { Auth } from './auth.ts';

/** The file with the admin token, in the data folder. */
export function adminTokenFile(dataFolder: string): string {
  return join(dataFolder, 'admin-token');
}

/** Makes sure that the data folder holds an admin token that works; the first start writes one (mode 0600). */
export async function ensureAdminToken(dataFolder: string, auth: Auth): Promise<string> {
  const file = adminTokenFile(dataFolder);
  const known = await readIfThere(file);
  if (known !== undefined && (await auth.isAlive(known))) return known;
  const { secret } = await auth.createToken({ name: 'admin', role: 'admin', createdBy: rollway('server') });
  await writeFileAtomic(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}
