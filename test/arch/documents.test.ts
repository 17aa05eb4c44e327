import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const decisions = readdirSync(join(root, 'docs', 'decisions')).sort();
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
  .concat(readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])))
  .concat(decisions.map((name) => `docs/decisions/${name}`));

it('every decision has a number of its own, and its title begins with it', () => {
  const numbers = decisions.map((name) => name.slice(0, 4));
  expect(new Set(numbers).size, numbers.join(' ')).toBe(numbers.length);
  const titles = decisions.map((name) => readFileSync(join(root, 'docs', 'decisions', name), 'utf8').slice(0, 7));
  expect(titles).toEqual(numbers.map((number) => `# ${number} `));
});

it.each(pages)('what %s links to is there', (page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!);
  const ours = links.filter((target) => !/^[a-z]+:/.test(target));
  expect(ours.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
});
