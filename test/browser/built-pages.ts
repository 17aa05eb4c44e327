// The built pages, as the server serves them: built anew when a source is newer.
import { execFileSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export function ensurePages(): void {
  const sources = globSync('{web/src,web/public,src/api,src/model,src/kit}/**/*.*', { cwd: root });
  const newest = Math.max(...[...sources, 'web/index.html'].map((file) => changedMs(file)));
  if (changedMs('web/dist/index.html') >= newest) return;
  execFileSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', 'web', '--logLevel', 'warn'], {
    cwd: root,
    stdio: 'inherit',
    // Under test, Vite would build React as developers want it: several times as slow.
    env: { ...process.env, NODE_ENV: 'production' },
  });
}

function changedMs(file: string): number {
  return statSync(root + file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
