import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, type as system, totalmem } from 'node:os';
import { join } from 'node:path';

/** What a figure depends on; nothing that names this machine. */
export function describeMachine() {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${system()} ${release().split('-')[0]}`,
    node: process.version,
    /** What else went on: figures of a busy machine are too low. */
    loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

/** Writes `bench/results/<name>.json` with the commit it was measured at. */
export function writeResult(name: string, result: Record<string, unknown>): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  const isDirty = git('status', '--porcelain', '--', 'src', 'bench/*.ts') !== '';
  const commit = git('rev-parse', 'HEAD') + (isDirty ? '+changes' : '');
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  const content = { name, commit, date: new Date().toISOString(), machine: describeMachine(), ...result };
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
  return `bench/results/${name}.json`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
