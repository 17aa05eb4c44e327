import { digestOf } from '../kit/index.ts';
import type { ActionSpec, Digest } from '../model/index.ts';

/**
 * Two builds with the same key give the same package: the same content, the same commands, the same choice of files.
 * The commit, its message and its time are left out, so a build may not depend on them (it is not told them).
 */
export function buildKey(
  action: Extract<ActionSpec, { type: 'build' }>,
  tree: string,
  inputs: Readonly<Record<string, Digest>>,
): Digest {
  const { commands, include, exclude } = action;
  return digestOf({ format: 1, tree, commands, include, exclude, inputs });
}
