/** Puts what `bench/results/` holds into docs/bench.md: `node bench/report.ts --write`; without it, prints the page. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { figures, readResults } from './figures.ts';
import { withFigures } from './table.ts';

const file = join(import.meta.dirname, '..', 'docs', 'bench.md');
const page = withFigures(readFileSync(file, 'utf8'), figures, readResults());
if (process.argv.includes('--write')) writeFileSync(file, page);
else process.stdout.write(page);
