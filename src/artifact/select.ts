/**
 * Which paths of a tree belong to a package. Patterns are relative to its root: `dist`, `src/*.js`, `**\/*.map`.
 * `*` and `?` stay within one name, `**` is any number of folders. A pattern that matches a folder takes all below it.
 * `.git` at the root never belongs to a package.
 */
export interface Selection {
  /** Belongs to the package. */
  includes(path: string): boolean;
  /** Excluded together with all that may be below it. */
  skips(path: string): boolean;
}

export function selectionOf(include: readonly string[], exclude: readonly string[]): Selection {
  const included = include.map(partsOf);
  const excluded = ['.git', ...exclude].map(partsOf);
  const skips = (path: string) => excluded.some((pattern) => matchesPath(pattern, path.split('/')));
  return {
    skips,
    includes(path) {
      if (skips(path)) return false;
      return included.length === 0 || included.some((pattern) => matchesPath(pattern, path.split('/')));
    },
  };
}

function partsOf(pattern: string): string[] {
  return pattern.split('/').filter((part) => part !== '' && part !== '.');
}

/**
 * Whether the pattern matches the path or a folder above it. No regular expressions: patterns come from users, and
 * going back only to the last star keeps the time within pattern length × path length.
 */
function matchesPath(pattern: readonly string[], names: readonly string[]): boolean {
  let at = 0;
  let star: { at: number; name: number } | undefined;
  for (let name = 0; name <= names.length; ) {
    if (at === pattern.length) return true;
    if (pattern[at] === '**') {
      star = { at: at++, name };
    } else if (name < names.length && matchesName(pattern[at]!, names[name]!)) {
      at += 1;
      name += 1;
    } else if (star && star.name < names.length) {
      star.name += 1;
      name = star.name;
      at = star.at + 1;
    } else return false;
  }
  return false;
}

function matchesName(pattern: string, name: string): boolean {
  let at = 0;
  let from = 0;
  let star: { at: number; from: number } | undefined;
  while (from < name.length) {
    if (pattern[at] === '*') star = { at: at++, from };
    else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[from])) {
      at += 1;
      from += 1;
    } else if (star) {
      star.from += 1;
      from = star.from;
      at = star.at + 1;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
