// Builds dist/ from src/ (tsc) and web/dist from web/ (vite). Called by bootstrap.mjs, which knows when it is needed.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, rmSync } from 'node:fs';

const hasSources = globSync('src/**/*.ts').some((file) => !file.endsWith('.test.ts'));
if (hasSources) {
  removeOrphans();
  run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
}
if (existsSync('web/index.html')) {
  run('node_modules/vite/bin/vite.js', 'build', 'web', '--logLevel', 'warn');
}

/** Compiled files whose source is gone would still be found by an import. */
function removeOrphans(): void {
  for (const compiled of globSync('dist/**/*.js')) {
    const source = compiled.replace(/^dist/, 'src').replace(/\.js$/, '.ts');
    if (existsSync(source)) continue;
    for (const suffix of ['.js', '.js.map', '.d.ts']) rmSync(compiled.replace(/\.js$/, suffix), { force: true });
  }
}

function run(...args: string[]): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
