import type { Figure, Result } from './figures.ts';

const begin = '<!-- written by `node bench/report.ts --write` -->';
const end = '<!-- end of what is written -->';

/** The document with its figures replaced by these. */
export function withFigures(
  document: string,
  figures: readonly Figure[],
  results: ReadonlyMap<string, Result>,
): string {
  const [before, rest = ''] = document.split(begin);
  const after = rest.split(end)[1] ?? '\n';
  return `${before}${begin}\n\n${figureTable(figures, results)}\n\n${conditions(figures, results)}\n\n${end}${after}`;
}

function figureTable(figures: readonly Figure[], results: ReadonlyMap<string, Result>): string {
  const rows = figures.map((figure) => {
    const result = results.get(figure.result);
    const { measured, isMet } = measuredOf(figure, result);
    const met = isMet === undefined ? '' : isMet ? 'yes' : missed(result?.machine);
    return `| ${figure.what} | ${figure.goal} | ${measured} | ${met} | \`${figure.command}\` |`;
  });
  return ['| Figure | Goal | Measured (median) | Met | Command |', '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}

/** Nobody can tell a slow program from a busy machine: where others wanted the cores too, that is said with it. */
function missed(machine: Result['machine'] | undefined): string {
  const isBusy = machine !== undefined && machine.loadBefore > machine.cores;
  return isBusy ? `**no**, at load ${machine.loadBefore}` : '**no**';
}

function measuredOf(figure: Figure, result: Result | undefined): { measured: string; isMet?: boolean } {
  if (result === undefined) return { measured: 'not measured yet' };
  try {
    return figure.read(result);
  } catch {
    return { measured: 'not in the newest result' };
  }
}

/** Where and when each result was taken. A busy machine makes figures worse, never better. */
function conditions(figures: readonly Figure[], results: ReadonlyMap<string, Result>): string {
  const names = [...new Set(figures.map(({ result }) => result))];
  const rows = names.flatMap((name) => {
    const result = results.get(name);
    if (result === undefined) return [];
    const { cpu, cores, memoryGiB, system, node, loadBefore } = result.machine;
    const where = `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node.slice(1)}`;
    const [at = '', changes] = result.commit.split('+');
    const commit = at.slice(0, 10) + (changes === undefined ? '' : ' and changes');
    return [`| ${name} | ${result.date.slice(0, 16).replace('T', ' ')} | ${commit} | ${loadBefore} | ${where} |`];
  });
  const head = ['| Result | Taken (UTC) | Commit | Load before | Machine |', '| --- | --- | --- | --- | --- |'];
  return [...head, ...rows].join('\n');
}
