// The way in: `npm start`, `npm test` and the other scripts call this file.
// It runs on any Node from 18 on and needs no package. In order: a Node that is new enough (fetched once into
// `.toolchain/` where it is missing), the packages of package-lock.json, a fresh build, then the real command.
// When all of that is in place already it adds a few tens of milliseconds.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.dirname(fileURLToPath(import.meta.url));
const toolchainDir = process.env.ROLLWAY_TOOLCHAIN ?? path.join(root, '.toolchain');
const wantedMajor = 24;

/** What each command needs and runs. `build: true` = dist/ must be fresh first. */
const commands = {
  start: { build: true, run: (args) => [cliEntry(), 'demo', ...args] },
  dev: { build: false, run: (args) => ['src/cli/main.ts', 'demo', ...args] },
  // A build that fails must not hide the closing line of the tests: their types check tells the same, in full.
  test: { build: 'try', run: (args) => ['scripts/test.ts', ...args] },
  'test:long': { build: 'try', run: (args) => ['scripts/test.ts', '--long', ...args] },
  check: { build: false, run: (args) => ['scripts/check.ts', ...args] },
  docs: { build: false, run: (args) => ['scripts/docs.ts', ...args] },
  'sim:soak': { build: false, run: (args) => ['sim/soak.ts', ...args] },
  build: { build: 'always', run: undefined },
  lint: { build: false, run: (args) => [biomeEntry(), 'check', '--write', ...args] },
  // Only prepare, e.g. before going offline.
  install: { build: false, run: undefined },
  // Any script or tool of node_modules/.bin under the right Node: `node bootstrap.mjs exec vitest run src/kit`.
  exec: { build: false, run: (args) => execEntry(args) },
};

class Refusal extends Error {}

// ---------------------------------------------------------------- the story

async function main(argv) {
  const [name, ...rest] = argv;
  const command = commands[name];
  if (!command) throw new Refusal(`usage: node bootstrap.mjs <${Object.keys(commands).join(' | ')}> [-- arguments]`);
  const args = rest[0] === '--' ? rest.slice(1) : rest;

  let node = findNode();
  const needsWork = () => !node || !isInstalled() || (command.build && (command.build === 'always' || !isBuilt()));
  if (needsWork()) {
    await withLock(async () => {
      node = findNode() ?? (await fetchNode());
      if (!isInstalled()) await installPackages(node);
      if (command.build === 'always' || (command.build && !isBuilt())) {
        await build(node).catch((error) => {
          if (command.build !== 'try' || interrupted) throw error;
          say('The build failed; the tests go on without it.');
        });
      }
    });
  }
  if (!command.run) return 0;
  return runForeground(node, command.run(args));
}

// ---------------------------------------------------------------- Node

/** The running Node, or the one fetched earlier; undefined = none that is new enough. */
export function findNode() {
  if (majorOf(process.versions.node) >= wantedMajor) return process.execPath;
  const pinned = pinnedToolchain();
  if (!pinned) return undefined;
  const node = path.join(pinned.dir, 'node_modules', pinned.package, 'bin', 'node');
  return fs.existsSync(node) ? node : undefined;
}

/** The committed folder `toolchain/<platform>` names one package, one version, one checksum. */
function pinnedToolchain() {
  const platform = `${process.platform}-${process.arch}`;
  const source = path.join(root, 'toolchain', platform);
  if (!fs.existsSync(path.join(source, 'package-lock.json'))) return undefined;
  const manifest = JSON.parse(fs.readFileSync(path.join(source, 'package.json'), 'utf8'));
  const [name, version] = Object.entries(manifest.dependencies)[0];
  return { source, package: name, version, dir: path.join(toolchainDir, `node-${version}-${platform}`) };
}

async function fetchNode() {
  const pinned = pinnedToolchain();
  if (!pinned) {
    throw new Refusal(
      `Rollway needs Node ${wantedMajor} or newer; this is Node ${process.versions.node}, and there is no ready-made ` +
        `Node for ${process.platform}-${process.arch} to fetch.\nInstall Node ${wantedMajor} (an LTS release, from ` +
        'nodejs.org or your package manager), then run this again.',
    );
  }
  say(
    `Rollway needs Node ${wantedMajor} (this is ${process.versions.node}); fetching ${pinned.version} once (45 MB) …`,
  );
  const started = Date.now();
  // Filled beside its place and moved in one step: a half-fetched Node is never found.
  // We hold the lock, so what lies beside it was left by a fetch that was killed.
  const staging = `${pinned.dir}.fetching`;
  fs.rmSync(staging, { recursive: true, force: true });
  fs.mkdirSync(staging, { recursive: true });
  try {
    for (const file of ['package.json', 'package-lock.json']) {
      fs.copyFileSync(path.join(pinned.source, file), path.join(staging, file));
    }
    await npm(process.execPath, ['ci', '--ignore-scripts'], staging, `fetching Node ${pinned.version}`);
    const fresh = path.join(staging, 'node_modules', pinned.package, 'bin', 'node');
    const probe = spawnSync(fresh, ['--version'], { encoding: 'utf8' });
    if (probe.status !== 0) {
      throw new Refusal(
        `The fetched Node ${pinned.version} does not run on this machine: ` +
          `${(probe.error?.message ?? probe.stderr).trim()}\n` +
          `Install Node ${wantedMajor} from nodejs.org or your package manager, then run this again.`,
      );
    }
    fs.rmSync(pinned.dir, { recursive: true, force: true });
    fs.renameSync(staging, pinned.dir);
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
  say(`Node ${pinned.version} is in ${path.relative(root, pinned.dir)} (${seconds(started)}).`);
  return findNode();
}

// ---------------------------------------------------------------- packages

/** npm writes what it installed into node_modules/.package-lock.json, last of all: that is our stamp. */
function isInstalled() {
  const wanted = readJson('package-lock.json')?.packages ?? {};
  const present = readJson('node_modules/.package-lock.json')?.packages;
  if (!present) return false;
  return Object.entries(wanted).every(([where, entry]) => {
    if (where === '') return true;
    if (present[where]) return present[where].version === entry.version;
    return entry.optional === true;
  });
}

async function installPackages(node) {
  say('Installing packages …');
  const started = Date.now();
  await npm(node, ['ci', '--include=dev', '--include=optional'], root, 'installing packages');
  if (!isInstalled()) throw new Refusal('npm ci ended well, yet node_modules does not match package-lock.json.');
  say(`Packages are installed (${seconds(started)}).`);
}

async function npm(node, args, cwd, doing) {
  const cli = findNpm();
  const quiet = ['--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  const env = withNodeFirst(node);
  // An outer `npm run` tells its children where the project is and what it runs; this npm has its own project.
  for (const key of Object.keys(env)) {
    if (/^npm_(package|lifecycle|command|execpath|node_execpath|config_(local_prefix|global|workspace))/i.test(key)) {
      delete env[key];
    }
  }
  const { code, signal, output } = await runQuietly(node, [cli, ...args, ...quiet, '--prefix', cwd], cwd, env);
  if (code === 0) return;
  if (signal) throw new Refusal(`Interrupted while ${doing}.`);
  throw new Refusal(`${explainNpm(output, doing)}\n\n${lastLines(output, 15)}`);
}

function explainNpm(output, doing) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|network/i.test(output)) {
    return `Failed ${doing}: the npm registry cannot be reached. Check the network or npm's proxy and registry settings.`;
  }
  if (/EINTEGRITY/.test(output))
    return `Failed ${doing}: a package does not match its committed checksum; it was not used.`;
  if (/ENOSPC/.test(output)) return `Failed ${doing}: no space left on the disk.`;
  return `Failed ${doing}. npm said:`;
}

/** npm's own script, so that it can run under the Node we choose. */
function findNpm() {
  const candidates = [
    process.env.npm_execpath,
    path.join(path.dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    path.join(path.dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ...(process.env.PATH ?? '').split(path.delimiter).map((dir) => path.join(dir, 'npm')),
  ];
  for (const candidate of candidates) {
    if (!candidate || !fs.existsSync(candidate)) continue;
    const real = fs.realpathSync(candidate);
    if (path.basename(real) === 'npm-cli.js') return real;
  }
  throw new Refusal('npm was not found. It comes with Node; install it (or put it on PATH), then run this again.');
}

// ---------------------------------------------------------------- build

const buildInputs = ['src', 'web', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
const buildStamp = path.join(root, 'dist', '.stamp');

export function isBuilt() {
  return fs.existsSync(buildStamp) && fs.readFileSync(buildStamp, 'utf8') === sourceState();
}

/** Names, sizes and times of everything that is built: tens of microseconds a file, no contents read. */
function sourceState() {
  const hash = createHash('sha256');
  const visit = (relative) => {
    const stat = fs.statSync(path.join(root, relative), { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isFile()) {
      hash.update(`${relative}\0${stat.size}\0${stat.mtimeMs}\n`);
      return;
    }
    for (const name of fs.readdirSync(path.join(root, relative)).sort()) {
      if (name === 'dist' || name === 'node_modules' || name.endsWith('.test.ts')) continue;
      visit(`${relative}/${name}`);
    }
  };
  for (const input of buildInputs) visit(input);
  return hash.digest('hex');
}

async function build(node) {
  say('Building …');
  const started = Date.now();
  const state = sourceState();
  const { code, signal, output } = await runQuietly(node, ['scripts/build.ts'], root, withNodeFirst(node));
  if (signal) throw new Refusal('Interrupted while building.');
  if (code !== 0) throw new Refusal(`The build failed.\n\n${output.trim()}`);
  fs.mkdirSync(path.dirname(buildStamp), { recursive: true });
  fs.writeFileSync(buildStamp, state);
  say(`Built (${seconds(started)}).`);
}

// ---------------------------------------------------------------- entries

function cliEntry() {
  const built = 'dist/cli/main.js';
  if (fs.existsSync(path.join(root, built))) return built;
  throw new Refusal('There is nothing to start yet: src/cli/main.ts does not exist.');
}

function biomeEntry() {
  return 'node_modules/@biomejs/biome/bin/biome';
}

function execEntry([tool, ...args]) {
  if (!tool) throw new Refusal('usage: node bootstrap.mjs exec <script.ts | tool> …');
  if (tool === 'node') return execEntry(args);
  const linked = path.join(root, 'node_modules', '.bin', tool);
  return [fs.existsSync(linked) ? fs.realpathSync(linked) : path.resolve(tool), ...args];
}

// ---------------------------------------------------------------- one at a time

/** Two commands started together prepare one after the other. A lock whose owner is gone is taken over. */
async function withLock(work) {
  fs.mkdirSync(toolchainDir, { recursive: true });
  const lock = path.join(toolchainDir, `lock-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`);
  const me = JSON.stringify({ pid: process.pid, host: os.hostname() });
  let isAnnounced = false;
  while (!tryCreate(lock, me)) {
    if (isStale(lock)) takeAway(lock);
    else {
      if (!isAnnounced) say('Another rollway command is preparing this folder; waiting for it …');
      isAnnounced = true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    if (interrupted) throw new Refusal('Interrupted.');
  }
  const release = () => fs.rmSync(lock, { force: true });
  process.once('exit', release);
  const heartbeat = setInterval(() => fs.utimesSync(lock, new Date(), new Date()), 2000);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    process.removeListener('exit', release);
    release();
  }
}

function tryCreate(file, content) {
  try {
    fs.writeFileSync(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Stale = its process is gone, or it has not been touched for 30 s (the owner touches it every 2 s). */
function isStale(lock) {
  const stat = fs.statSync(lock, { throwIfNoEntry: false });
  if (!stat) return false;
  if (Date.now() - stat.mtimeMs > 30_000) return true;
  try {
    const owner = JSON.parse(fs.readFileSync(lock, 'utf8'));
    return owner.host === os.hostname() && !isAlive(owner.pid);
  } catch {
    return false; // just being written, or just released
  }
}

/** Only one of several waiting processes removes a stale lock, and it looks again before it does. */
function takeAway(lock) {
  const guard = `${lock}.taking`;
  if (!tryCreate(guard, String(process.pid))) {
    const stat = fs.statSync(guard, { throwIfNoEntry: false });
    if (stat && Date.now() - stat.mtimeMs > 10_000) fs.rmSync(guard, { force: true });
    return;
  }
  try {
    if (isStale(lock)) fs.rmSync(lock, { force: true });
  } finally {
    fs.rmSync(guard, { force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// ---------------------------------------------------------------- children and signals

let interrupted = false;
let deliver = () => {};

/** Ctrl-C reaches us from the terminal and once more from npm; both within a moment count as one. */
function listenForSignals() {
  const lastAt = {};
  let count = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const now = Date.now();
      if (now - (lastAt[signal] ?? 0) < 250) return;
      lastAt[signal] = now;
      count += 1;
      interrupted = true;
      deliver(signal, count);
    });
  }
}

/** A step of the preparation: its output is kept and shown only if it fails. */
function runQuietly(node, args, cwd, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    deliver = (signal, count) => signalGroup(child, count > 1 ? 'SIGKILL' : signal);
    const started = Date.now();
    const patience = setInterval(() => say(`… still at it (${seconds(started)})`), 15_000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(patience);
      deliver = () => {};
      resolve({ code, signal: signal ?? (interrupted ? 'SIGINT' : null), output });
    });
  });
}

/**
 * The real command. It leads a process group of its own, so that a Ctrl-C reaches it once, from us, and not also from
 * the terminal; the third one kills. Should we be killed ourselves, the pipe on descriptor 3 closes and the
 * child ends too (scripts/tether.mjs).
 */
function runForeground(node, args) {
  return new Promise((resolve, reject) => {
    const options = ['--disable-warning=ExperimentalWarning', '--import', tetherUrl()];
    const child = spawn(node, [...options, ...args], {
      cwd: root,
      env: { ...withNodeFirst(node), ROLLWAY_TETHER: '3' },
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      detached: process.platform !== 'win32',
    });
    child.stdio[3].on('error', () => {});
    deliver = (signal, count) => (count > 2 ? signalGroup(child, 'SIGKILL') : child.kill(signal));
    if (interrupted) child.kill('SIGINT');
    process.on('SIGWINCH', () => child.kill('SIGWINCH'));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal ? 128 + os.constants.signals[signal] : code));
  });
}

function tetherUrl() {
  return pathToFileURL(path.join(root, 'scripts', 'tether.mjs')).href;
}

function signalGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

// ---------------------------------------------------------------- small things

function withNodeFirst(node) {
  const bins = [path.dirname(node), path.join(root, 'node_modules', '.bin')];
  const rest = (process.env.PATH ?? '').split(path.delimiter).filter((dir) => !bins.includes(dir));
  return { ...process.env, PATH: [...bins, ...rest].join(path.delimiter) };
}

function readJson(relative) {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, relative), 'utf8'));
  } catch {
    return undefined;
  }
}

function majorOf(version) {
  return Number(version.split('.')[0]);
}

function seconds(started) {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`;
}

function lastLines(text, count) {
  return text.trim().split('\n').slice(-count).join('\n');
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  listenForSignals();
  main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error) => {
      say(error instanceof Refusal ? error.message : error.stack);
      process.exit(interrupted ? 130 : 1);
    },
  );
}
