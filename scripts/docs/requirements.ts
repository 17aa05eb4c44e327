// docs/requirements.md: which test proves which requirement, from the ids at the start of test names.
import { globSync, readFileSync } from 'node:fs';
import { projectFiles } from '../../vitest.config.ts';
import { titles } from './titles.ts';

const id = String.raw`(?:(?:TW[A-Z]|SM|ML|NFX|CFG|LEC)-\d+|[PDCHBSMGOAILRT]\d{1,2})`;
/** A string that begins with ids and goes on in words: `'D3 I2 a replacement …'`, also as a row of a table of tests. */
const named = new RegExp(String.raw`(['"\x60])(${id}(?:,? ${id})*):? ((?:(?!\1)[^\\\n]|\\.)+)\1`, 'g');

export interface Proof {
  readonly id: string;
  readonly test: string;
  readonly file: string;
}

/** The proofs that one file's text names, in its order. */
export function proofsIn(file: string, text: string): Proof[] {
  return [...text.matchAll(named)].flatMap(([, , ids, words]) =>
    ids!.split(/,? /).map((id) => ({ id, test: words!.replaceAll('\\', ''), file })),
  );
}

export function requirements(): string {
  const include = [...Object.values(projectFiles).flatMap((p) => p.include), 'src/**/*conformance.ts'];
  const files = [...new Set(globSync(include))].sort();
  return pageOf(files.flatMap((file) => proofsIn(file, readFileSync(file, 'utf8'))));
}

/** One line for each (requirement, test), so that branches that add tests do not meet in one line. */
export function pageOf(proofs: readonly Proof[]): string {
  const rows = new Set(proofs.map((proof) => `| ${proof.id} | ${inCell(proof.test)} | ${proof.file} |`));
  const proven = new Set(proofs.map((proof) => proof.id));
  const all = [...new Set([...Object.keys(titles), ...proven])].sort(byId);
  return [
    '# What is required, and which test proves it',
    '',
    'Written by `npm run docs` from the ids at the start of test names; do not edit.',
    '',
    '## Requirements',
    '',
    '| id | about | tests |',
    '|---|---|---|',
    ...all.map((id) => `| ${id} | ${titles[id] ?? ''} | ${proven.has(id) ? 'yes' : 'none names it yet'} |`),
    '',
    '## Tests',
    '',
    '| id | test | file |',
    '|---|---|---|',
    ...[...rows].sort((a, b) => byId(a.split(' ')[1]!, b.split(' ')[1]!) || (a < b ? -1 : 1)),
    '',
  ].join('\n');
}

function byId(a: string, b: string): number {
  const [aLetters, aNumber] = partsOf(a);
  const [bLetters, bNumber] = partsOf(b);
  return aLetters < bLetters ? -1 : aLetters > bLetters ? 1 : aNumber - bNumber;
}

function partsOf(id: string): [string, number] {
  const [, letters = '', number = '0'] = /^(\D+)(\d+)$/.exec(id) ?? [];
  return [letters, Number(number)];
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('${', '{');
}
