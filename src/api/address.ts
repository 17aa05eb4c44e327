/** `('/api/v1/hosts/:host', { host: 'a b' })` → `/api/v1/hosts/a%20b`. */
export function pathOf(pattern: string, params: Readonly<Record<string, unknown>>): string {
  return pattern.replace(/:([a-zA-Z]+)/g, (_, key: string) => {
    const value = params[key];
    if (value === undefined) throw new Error(`the address ${pattern} lacks :${key}`);
    return encodeURIComponent(String(value));
  });
}

/** `{ a: 1, b: undefined, c: ['x', 'y'] }` → `?a=1&c=x%2Cy`; nothing to say: the empty string. */
export function queryOf(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, String(value)])).toString()}`;
}
