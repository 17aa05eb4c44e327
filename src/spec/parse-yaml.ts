import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { err, ok, type Problem, problem, type Result } from '../model/index.ts';
import type { Locate } from './config-errors.ts';

/** The value of a YAML configuration, and where in the text each part of it stands. */
export function parseYaml(
  text: string,
  file: string,
): Result<{ readonly value: unknown; readonly locate: Locate }, readonly Problem[]> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  if (document.errors.length > 0) {
    return err(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        const detail = `${file}:${line}:${col}: ${error.message}`;
        return problem('spec/invalid', detail, { file, line, column: col }, 'Correct the YAML at this place.');
      }),
    );
  }
  const locate: Locate = (path) => {
    const offset = offsetOf(document.contents, path);
    if (offset === undefined) return undefined;
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  try {
    // A handful of aliases may repeat a part; more would be a small file that means a huge one.
    return ok({ value: document.toJS({ maxAliasCount: 20 }), locate });
  } catch (error) {
    return err([problem('spec/invalid', `${file}: ${(error as Error).message}`, { file })]);
  }
}

/** Where the key of a path stands; for what is not there, where the nearest part above it stands. */
function offsetOf(root: unknown, path: readonly (string | number)[]): number | undefined {
  let node = root;
  let offset = startOf(root);
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!isPair(pair)) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      // Actions are found by name in the canonical form, by place in the file.
      const at =
        typeof part === 'number' ? part : node.items.findIndex((item) => isMap(item) && item.get('name') === part);
      if (!(at in node.items)) return offset;
      node = node.items[at];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as { range?: [number, number, number] } | null)?.range?.[0];
}
