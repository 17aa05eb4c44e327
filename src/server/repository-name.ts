/** A name for a repository from its address: `git@host:team/Guest Book.git` → `guest-book`. */
export function nameOfRepository(url: string): string {
  const last =
    url
      .replace(/\/+$/, '')
      .replace(/\/\.git$/, '')
      .split(/[/:]/)
      .at(-1) ?? '';
  const name = last
    .replace(/\.git$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 60);
  return name === '' ? 'repository' : name;
}
