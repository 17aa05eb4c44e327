import type { ManifestEntry } from './manifest.ts';

/**
 * Why a package with these entries could reach outside its folder, or undefined when it cannot: absolute paths,
 * `..`, duplicates, entries below a file or a symbolic link, links that lead out. Entries must be sorted.
 */
export function findUnsafeEntry(entries: readonly ManifestEntry[]): string | undefined {
  const leaves = new Set<string>();
  let previous: string | undefined;
  for (const entry of entries) {
    const wrong = whyUnsafePath(entry.path);
    if (wrong) return `${quote(entry.path)} ${wrong}`;
    if (previous !== undefined && !(previous < entry.path))
      return `${quote(entry.path)} is out of order or twice there`;
    previous = entry.path;
    leaves.add(entry.path);
  }
  for (const entry of entries) {
    for (let cut = entry.path.indexOf('/'); cut > 0; cut = entry.path.indexOf('/', cut + 1)) {
      const parent = entry.path.slice(0, cut);
      if (leaves.has(parent)) return `${quote(entry.path)} lies below ${quote(parent)}, which is not a plain folder`;
    }
    if ('target' in entry) {
      const wrong = whyUnsafeTarget(entry.path, entry.target);
      if (wrong) return `The link ${quote(entry.path)} → ${quote(entry.target)} ${wrong}`;
    }
  }
  return undefined;
}

/** Why a path cannot be part of a package, or undefined: `../x` → `leads out of the folder`. */
export function whyUnsafePath(path: string): string | undefined {
  if (path.startsWith('/')) return 'is an absolute path';
  if (path.length > 4096) return 'is too long';
  if (path.includes('\0')) return 'contains a zero byte';
  if (path.includes('\ufffd')) return 'is not valid UTF-8';
  for (const part of path.split('/')) {
    if (part === '..') return 'leads out of the folder';
    if (part === '' || part === '.') return 'is not a normalised path';
  }
  return undefined;
}

/**
 * Why a link is refused, or undefined. `..` is allowed only at the start, where the folders above are known to be
 * real; behind a name it could climb out through another link.
 */
export function whyUnsafeTarget(path: string, target: string): string | undefined {
  if (target.startsWith('/')) return 'points to an absolute path';
  if (target.includes('\0') || target.includes('\ufffd')) return 'is not valid text';
  const depth = path.split('/').length - 1;
  let ups = 0;
  let isBehindName = false;
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') {
      isBehindName = true;
      continue;
    }
    if (isBehindName) return 'goes up behind a name';
    ups += 1;
    if (ups > depth) return 'leads out of the folder';
  }
  return undefined;
}

function quote(path: string): string {
  return JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);
}
