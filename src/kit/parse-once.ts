const kept = 4096;
const parsed = new Map<string, unknown>();

/**
 * The value of a JSON text that is read again and again and seldom differs (a host's labels, a version's task): parsed
 * once, and frozen, since everybody gets the same.
 */
export function parseOnce(text: string): unknown {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  if (parsed.size >= kept) parsed.clear();
  const value = frozen(JSON.parse(text));
  parsed.set(text, value);
  return value;
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

/**
 * The same for texts that may be long: what is kept is bounded by its characters, so that rollouts of thousands of tasks
 * do not fill the memory.
 */
export function parseKept(mostCharacters: number): (text: string) => unknown {
  const values = new Map<string, unknown>();
  let characters = 0;
  return (text) => {
    const known = values.get(text);
    if (known !== undefined) return known;
    const value = frozen(JSON.parse(text));
    if (text.length > mostCharacters) return value;
    if (characters + text.length > mostCharacters) {
      values.clear();
      characters = 0;
    }
    values.set(text, value);
    characters += text.length;
    return value;
  };
}
