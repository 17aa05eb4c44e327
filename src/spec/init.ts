/** What `rollway init` sees of a repository; `io/` looks, this decides. */
export interface RepositoryFacts {
  /** Name of the folder. */
  readonly folder: string;
  /** Files and folders at the top. */
  readonly entries: readonly string[];
  /** The text of `package.json`, when there is one. */
  readonly packageJson: string | undefined;
}

export interface DraftConfig {
  readonly file: 'rollway.config.ts';
  readonly text: string;
  /** What was found, and what is only a guess, for the person who ran it. */
  readonly notes: readonly string[];
}

interface Found {
  readonly lines: readonly (readonly [code: string, comment?: string])[];
  readonly notes: readonly string[];
}

const staticFolders = ['public', 'dist', 'build', 'site', '_site', 'www', 'static'];

/** A commented configuration of at most ten lines that mean something; where nothing is known, it says so. */
export function draftConfig(facts: RepositoryFacts): DraftConfig {
  const manifest = readManifest(facts.packageJson);
  const name = slug(manifest?.name ?? facts.folder);
  const found = (manifest && ofPackage(manifest, facts.entries)) ?? ofStaticFolder(facts.entries) ?? ofNothing();
  const body = found.lines.map(([code, comment]) => `  ${code}${comment === undefined ? '' : ` // ${comment}`}`);
  const text = [
    '// What Rollway does with this service. Everything left out has a default:',
    '// `rollway explain config` prints every value and where it comes from.',
    "import { defineService } from 'rollway/config';",
    '',
    'export default defineService({',
    `  name: '${name}',`,
    ...body,
    '});',
    '',
  ].join('\n');
  return { file: 'rollway.config.ts', text, notes: found.notes };
}

interface Manifest {
  readonly name: string | undefined;
  readonly scripts: Readonly<Record<string, string>>;
  readonly main: string | undefined;
  readonly bin: string | undefined;
  readonly dependencies: readonly string[];
}

function readManifest(text: string | undefined): Manifest | undefined {
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const { name, scripts, main, bin, dependencies } = json as Record<string, unknown>;
  const texts = (value: unknown): Record<string, string> =>
    Object.fromEntries(
      Object.entries(typeof value === 'object' && value !== null ? value : {}).filter(([, v]) => typeof v === 'string'),
    );
  return {
    name: typeof name === 'string' ? name : undefined,
    scripts: texts(scripts),
    main: typeof main === 'string' ? main : undefined,
    bin: typeof bin === 'string' ? bin : Object.values(texts(bin))[0],
    dependencies: Object.keys(texts(dependencies)),
  };
}

function ofPackage(manifest: Manifest, entries: readonly string[]): Found | undefined {
  const command = startCommand(manifest, entries);
  if (command === undefined) return undefined;
  const isLocked = entries.includes('package-lock.json');
  const install = manifest.dependencies.length === 0 && !isLocked ? [] : [isLocked ? 'npm ci' : 'npm install'];
  const build = [...install, ...(manifest.scripts.build === undefined ? [] : ['npm run build'])];
  const isTested = manifest.scripts.test !== undefined && !/no test specified/.test(manifest.scripts.test);
  const notes = [`The command comes from ${command.from}.`, 'The port is given as PORT, and as {port} in the command.'];
  if (!isTested) notes.push('No tests were found: add `test` when there are some.');
  return {
    lines: [
      [`command: ${quote(command.line)},`, 'listens on the port given as PORT (or write {port})'],
      ...(build.length === 0 ? [] : [[`build: [${build.map(quote).join(', ')}],`] as const]),
      ...(isTested ? ([["test: 'npm test',"]] as const) : []),
      ["// ready: '/healthz',", 'a path that answers 2xx when a task can serve; until then: the port answers'],
      ["// metrics: '/metrics',", 'Prometheus metrics: then new tasks are compared with old ones'],
      ['environments: { production: { tasks: 3 } },'],
    ],
    notes,
  };
}

function startCommand(manifest: Manifest, entries: readonly string[]): { line: string; from: string } | undefined {
  const start = manifest.scripts.start;
  // Without npm in between, the signal to stop reaches the service itself.
  if (start !== undefined) {
    const isPlain = /^node\s+[\w./ =-]+$/.test(start);
    return { line: isPlain ? start : 'npm start', from: 'the script "start" of package.json' };
  }
  if (manifest.bin !== undefined) return { line: `node ${word(manifest.bin)}`, from: '"bin" of package.json' };
  if (manifest.main !== undefined) return { line: `node ${word(manifest.main)}`, from: '"main" of package.json' };
  const guess = ['server.js', 'index.js', 'app.js', 'main.js'].find((file) => entries.includes(file));
  return guess === undefined ? undefined : { line: `node ${guess}`, from: `the file ${guess} (a guess)` };
}

function ofStaticFolder(entries: readonly string[]): Found | undefined {
  const folder = entries.includes('index.html') ? '.' : staticFolders.find((name) => entries.includes(name));
  if (folder === undefined) return undefined;
  return {
    lines: [
      [`command: 'npx --yes http-server ${folder} -a {address} -p {port}',`, 'or any other server of files'],
      ["ready: '/',"],
      ['environments: { production: { tasks: 2 } },'],
    ],
    notes: [
      `${folder === '.' ? 'index.html' : `The folder ${folder}`} looks like a static site.`,
      'The server of files is fetched by npx when a task starts: add it to a package.json to fix its version.',
    ],
  };
}

function ofNothing(): Found {
  return {
    lines: [
      ["command: './my-service --port {port}',", 'CHANGE THIS: how one task starts, without a shell'],
      ["// build: ['make'],", 'commands that make what is deployed, run in a fresh checkout'],
      ["// test: 'make test',"],
      ["// ready: '/healthz',", 'a path that answers 2xx when a task can serve; until then: the port answers'],
      ['environments: { production: { tasks: 3 } },'],
    ],
    notes: ['Rollway could not tell how this service starts: write its command into the file.'],
  };
}

function slug(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/^@[^/]*\//, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  return plain.slice(0, 41) || 'my-service';
}

/** One word of a command line, in quotes when it needs them. */
function word(text: string): string {
  return /^[\w./@-]+$/.test(text) ? text : `"${text.replace(/[\\"$`]/g, '\\$&')}"`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
