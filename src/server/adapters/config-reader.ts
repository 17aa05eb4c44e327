import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { copyTree } from '../../artifact/index.ts';
import { createTreeWriter, openConfigSandbox, withTreeAt } from '../../io/index.ts';
import { err, type Problem } from '../../model/index.ts';
import type { ConfigReader } from '../../pipeline/index.ts';
import { type CompiledConfig, evaluateConfig } from '../../spec/index.ts';
import type { Mirrors } from './git-reader.ts';

/** What the configuration of a commit means, with origins. */
export type CommitConfig =
  | { readonly ok: true; readonly value: CompiledConfig }
  | { readonly ok: false; readonly error: readonly Problem[] };

/**
 * Evaluates the configuration of a commit in the sandboxed child, on a copy of the commit's tree that is made for it
 * and deleted afterwards.
 */
export async function readConfigAt(
  mirrors: Mirrors,
  dataFolder: string,
  location: string,
  commit: string,
  path: string | undefined,
  signal: AbortSignal,
): Promise<CommitConfig> {
  const folder = await mirrors.having(location, commit, signal);
  if (!folder.ok) return err([folder.error]);
  const place = await mkdtemp(join(dataFolder, 'git', 'checkout-'));
  try {
    const checkout = join(place, 'tree');
    const writer = await createTreeWriter(checkout);
    const copied = await withTreeAt(folder.value, commit, (tree) => copyTree(tree, writer, { signal }));
    if (!copied.ok) return err([copied.error]);
    return await evaluateConfig(checkout, { sandbox: openConfigSandbox(), path, signal });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** `pipeline/`'s reader of configurations. */
export function configReader(mirrors: Mirrors, dataFolder: string): ConfigReader {
  return {
    async read(location, commit, path, signal) {
      const config = await readConfigAt(mirrors, dataFolder, location, commit, path, signal);
      if (!config.ok) return config;
      return { ok: true, value: { spec: config.value.spec, path: config.value.file } };
    },
  };
}
