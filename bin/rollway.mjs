#!/usr/bin/env node
// `rollway` from a checkout. The published package starts dist/cli/main.js directly.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const at = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const args = process.argv.slice(2);

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  console.log(JSON.parse(readFileSync(at('package.json'), 'utf8')).version);
} else {
  const { findNode, isBuilt } = await import('../bootstrap.mjs');
  const node = findNode();
  if (!node || !existsSync(at('node_modules'))) {
    console.error('This checkout is not prepared yet. Run `node bootstrap.mjs build` in it once, then try again.');
    process.exit(1);
  }
  // What was built last may be older than the sources; then the sources run as they are.
  const entry = isBuilt() && existsSync(at('dist/cli/main.js')) ? at('dist/cli/main.js') : at('src/cli/main.ts');
  if (!existsSync(entry)) {
    console.error('There is no command line yet: src/cli/main.ts does not exist.');
    process.exit(1);
  }
  if (node === process.execPath) {
    process.argv = [process.execPath, entry, ...args];
    await import(entry);
  } else run(node, entry);
}

function run(node, entry) {
  // The same process group: a Ctrl-C in a terminal reaches both, so only what was sent to us alone is passed on.
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', entry, ...args], { stdio: 'inherit' });
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}
