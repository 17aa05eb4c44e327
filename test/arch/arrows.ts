// The arrows between the parts of the house (docs/testing.md, CONTRIBUTING.md): who may import whom.
import { posix } from 'node:path';
import { type Facts, factsOf, type Import } from './facts.ts';
import { type Place, placeOf } from './places.ts';

/** Path from the root of the repository → its text. Only `src/**` and `web/**` are looked at. */
export type Tree = Readonly<Record<string, string>>;

const foundations = ['model', 'kit', 'stats'];
const decisionAreas = 'spec pipeline blame rollout disruption judge fleet drivers artifact flags config mlmodels'.split(
  ' ',
);
/** What a decision may use besides our own code: pure packages only. */
const purePackages = ['zod', 'yaml', 'croner', 'semver', '@marcbachmann/cel-js'];
/** Areas that act: they may touch the clock, the network, the operating system. */
const actingAreas = ['store', 'engine', 'server', 'agent', 'proxy', 'cli', 'sdk', 'io', 'judge/sources'];
const adapters = ['store', 'io', 'judge/sources', 'drivers/*'];

interface Arrows {
  /** Areas whose door may be imported; `x/*` = every folder in x. */
  doors: readonly string[];
  /** … only as types. */
  types?: readonly string[];
  /** … only by `await import()`. */
  dynamic?: readonly string[];
  packages: readonly string[] | 'any';
  node: 'any' | readonly string[];
}

/** Arrows of the areas that are not decision areas. */
const arrowsOfArea: Record<string, Arrows> = {
  stats: { doors: [], packages: [], node: [] },
  model: { doors: [], packages: ['zod'], node: [] },
  kit: { doors: ['model'], packages: [], node: [] },
  api: { doors: ['model', 'kit', ...decisionAreas], packages: ['zod', 'eventsource-parser'], node: [] },
  store: { doors: ['model', 'kit'], packages: ['kysely', 'pg'], node: 'any' },
  engine: { doors: ['store', 'model', 'kit'], packages: ['kysely'], node: 'any' },
  server: {
    doors: ['engine', 'api', ...foundations, ...decisionAreas, ...adapters],
    packages: 'any',
    node: 'any',
  },
  agent: { doors: ['api', ...foundations, 'io', ...decisionAreas], packages: 'any', node: 'any' },
  proxy: { doors: ['api', 'model', 'kit', 'io'], packages: [], node: 'any' },
  cli: {
    doors: ['api', 'model', 'kit', 'io'],
    types: decisionAreas,
    dynamic: ['server', 'agent', 'proxy', 'sdk', 'engine', 'stats', ...decisionAreas, ...adapters],
    packages: 'any',
    node: 'any',
  },
  sdk: { doors: ['api', 'model'], packages: 'any', node: 'any' },
  io: { doors: ['api', 'model', 'kit'], types: [...decisionAreas, 'agent', 'engine'], packages: 'any', node: 'any' },
  'judge/sources': { doors: ['judge', 'api', 'model', 'kit'], packages: 'any', node: 'any' },
  web: { doors: ['api', 'model'], packages: 'any', node: [] },
};

const decision: Arrows = { doors: [...foundations, ...decisionAreas], packages: purePackages, node: [] };
const rows: Arrows = { doors: ['store', ...decision.doors], packages: ['kysely', ...purePackages], node: [] };
const read: Arrows = { ...rows, types: ['api', 'engine'] };
const work: Arrows = { ...decision, doors: ['engine', ...decision.doors], types: ['store', 'api'] };

function arrowsOf(place: Place): Arrows | undefined {
  if (place.area.startsWith('drivers/')) {
    // A driver implements the port and may use the area it drives (drivers/fleet → fleet).
    const driven = place.area.slice('drivers/'.length);
    return { doors: ['drivers', driven, 'api', 'model', 'kit'], packages: 'any', node: 'any' };
  }
  if (place.area in arrowsOfArea) {
    const arrows = arrowsOfArea[place.area]!;
    return place.file === 'src/kit/hash.ts' ? { ...arrows, node: ['node:crypto'] } : arrows;
  }
  if (!decisionAreas.includes(place.area)) return undefined;
  return { decision, rows, read, work, test: decision, conformance: decision }[place.role];
}

/** Every arrow that points the wrong way, as lines to print. */
export function findViolations(tree: Tree): string[] {
  const files = Object.keys(tree).filter((file) => /\.tsx?$/.test(file) && /^(src|web)\//.test(file));
  const violations = findForbiddenFolders(Object.keys(tree));
  const edges: Edge[] = [];
  for (const file of files.sort()) {
    const place = file.startsWith('web/') ? webPlace(file) : placeOf(file);
    if (place.role === 'test' || place.role === 'conformance') continue;
    const facts = place.area === 'web' ? webFacts(tree[file]!) : factsOf(tree[file]!);
    const arrows = arrowsOf(place);
    if (!arrows) {
      violations.push(
        `${file}: "${place.area}" is not an area of the house; give it its arrows in test/arch/arrows.ts`,
      );
      continue;
    }
    violations.push(...checkPurity(place, facts), ...checkPowers(place, facts));
    for (const used of facts.imports) {
      const wrong = checkImport(place, arrows, used, edges);
      if (wrong) violations.push(`${file}:${used.line} → ${show(file, used)}: ${wrong}`);
    }
  }
  return [...violations, ...findCycles(edges)];
}

// ---------------------------------------------------------------- one import

function checkImport(place: Place, arrows: Arrows, used: Import, edges: Edge[]): string | undefined {
  if (used.target === '(computed)') {
    return place.role === 'decision' && isPure(place) ? 'a decision imports nothing computed' : undefined;
  }
  if (used.target.startsWith('node:')) return checkNode(place, arrows, used.target);
  if (!used.target.startsWith('.')) return checkPackage(place, arrows, used);

  const file = posix.normalize(posix.join(posix.dirname(place.file), used.target));
  if (place.area === 'web' && file.startsWith('web/')) return undefined;
  if (!/\.(tsx?|json|mjs)$/.test(file)) return 'a relative import ends in .ts';
  if (!file.startsWith('src/')) return file === 'package.json' ? undefined : 'src/ imports nothing outside src/';
  const target = placeOf(file);
  edges.push({ from: unitOf(place), to: unitOf(target), why: `${place.file}:${used.line} → ${file}` });

  if (target.role === 'test' || target.role === 'conformance') return 'only tests import tests';
  if (target.area === place.area) return checkInside(place, target);
  return checkAcross(place, target, arrows, used);
}

function checkInside(place: Place, target: Place): string | undefined {
  if (isPure(target) && place.role === 'decision' && target.role !== 'decision') {
    return `a decision does not import ${target.role}.ts of its area: what it needs is handed to it`;
  }
  if (place.role === 'rows' && (target.role === 'work' || target.role === 'read')) {
    return `rows.ts knows no ${target.role}.ts`;
  }
  return undefined;
}

function checkAcross(place: Place, target: Place, arrows: Arrows, used: Import): string | undefined {
  if (target.role === 'rows') {
    const isCaller = place.role === 'work' || place.role === 'read';
    return isCaller && decisionAreas.includes(target.area)
      ? undefined
      : 'only work.ts and read.ts use rows.ts of others';
  }
  if (target.role === 'work' || target.role === 'read') {
    return place.area === 'server' ? undefined : `only the server imports ${target.role}.ts`;
  }
  // The port of an area of adapters lies beside its folders: drivers/port.ts, judge/index.ts.
  const isOwnPort = place.area.startsWith('drivers/') && target.area === 'drivers';
  if (!target.isDoor && !isOwnPort) return `the door of ${target.area} is its index.ts`;
  const { doors, types = [], dynamic = [] } = arrows;
  if (includes(doors, target.area)) return undefined;
  if (includes(types, target.area)) {
    if (used.isType) return undefined;
    if (!includes(dynamic, target.area)) return `${describe(place)} imports only types of ${target.area}`;
  }
  if (includes(dynamic, target.area)) {
    return used.isDynamic ? undefined : `${describe(place)} loads ${target.area} only when needed: await import()`;
  }
  return `${describe(place)} may import ${doors.length > 0 ? doors.join(', ') : 'no other area'}`;
}

function checkNode(place: Place, { node }: Arrows, target: string): string | undefined {
  if (target === 'node:sqlite' && !['store', 'agent', 'io'].includes(place.area)) {
    return 'only store (and the agent for its own buffer) knows which database it is';
  }
  if (node === 'any' || node.includes(target)) return undefined;
  return `${describe(place)} imports no node:*; what touches the system is handed to it`;
}

function checkPackage(place: Place, { packages }: Arrows, used: Import): string | undefined {
  const [scope = '', name] = used.target.split('/');
  const wanted = scope.startsWith('@') ? `${scope}/${name}` : scope;
  if (wanted === 'pg' && place.area !== 'store') return 'only store knows which database it is';
  if (packages === 'any' || packages.includes(wanted)) return undefined;
  return `${describe(place)} may use ${packages.length > 0 ? packages.join(', ') : 'no package'}`;
}

function includes(areas: readonly string[], area: string): boolean {
  return areas.includes(area) || areas.includes(area.replace(/\/.*$/, '/*'));
}

function describe(place: Place): string {
  const isPlain = place.area in arrowsOfArea || place.area.includes('/');
  if (isPlain) return place.area;
  return place.role === 'decision' ? `a decision (${place.area})` : `${place.area}/${place.role}.ts`;
}

function show(file: string, used: Import): string {
  if (!used.target.startsWith('.')) return used.target;
  return posix.normalize(posix.join(posix.dirname(file), used.target));
}

// ---------------------------------------------------------------- purity

function isPure(place: Place): boolean {
  return place.area !== 'web' && !actingAreas.includes(place.area) && !place.area.startsWith('drivers/');
}

/** The same verdict on every version of Node: within one every function gives the same bits, between them these two do not. */
const exactAreas = ['stats', 'judge'];

function checkPowers(place: Place, facts: Facts): string[] {
  if (!exactAreas.includes(place.area)) return [];
  return facts.powers.map(
    ({ what, line }) =>
      `${place.file}:${line} uses ${what}: it differs between versions of Node; multiply, or Math.exp`,
  );
}

function checkPurity(place: Place, facts: Facts): string[] {
  if (!isPure(place) || place.role !== 'decision') return [];
  return facts.impurities.map(
    ({ what, line }) => `${place.file}:${line} uses ${what}: ${describe(place)} is handed time, chance and the world`,
  );
}

function findForbiddenFolders(files: readonly string[]): string[] {
  const found = new Set<string>();
  for (const file of files) {
    const folder = /^(.*\/)?(utils?|commons?|shared|helpers?)(?=\/)/.exec(posix.join(file));
    if (folder && !file.startsWith('web/dist/')) found.add(folder[0]);
  }
  return [...found].map((folder) => `${folder}: no folder has this name; name it for what it is about`);
}

// ---------------------------------------------------------------- cycles

interface Edge {
  from: string;
  to: string;
  why: string;
}

/**
 * What takes part in a cycle: an area's decisions; its rows, work and read apart from them,
 * because work of two areas may use each other's rows.
 */
function unitOf(place: Place): string {
  return place.role === 'decision' ? place.area : `${place.area}/${place.role}.ts`;
}

/** One shortest chain for each pair of units that reach each other. */
function findCycles(edges: readonly Edge[]): string[] {
  const next = new Map<string, Map<string, string>>();
  for (const { from, to, why } of edges) {
    if (from === to) continue;
    if (!next.has(from)) next.set(from, new Map());
    if (!next.get(from)!.has(to)) next.get(from)!.set(to, why);
  }
  const reported = new Set<string>();
  const cycles: string[] = [];
  for (const start of [...next.keys()].sort()) {
    const chain = shortestWayBack(start, next);
    const key = chain && [...chain].sort().join(' ');
    if (!chain || !key || reported.has(key)) continue;
    reported.add(key);
    const links = chain.map((unit, index) => `    ${next.get(unit)!.get(chain[index + 1] ?? start)}`);
    cycles.push(`cycle ${[...chain, start].join(' → ')}\n${links.join('\n')}`);
  }
  return cycles;
}

function shortestWayBack(start: string, next: ReadonlyMap<string, ReadonlyMap<string, string>>): string[] | undefined {
  const ways = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const unit of next.get(way.at(-1)!)?.keys() ?? []) {
      if (unit === start) return way;
      if (seen.has(unit)) continue;
      seen.add(unit);
      ways.push([...way, unit]);
    }
  }
  return undefined;
}

// ---------------------------------------------------------------- web

function webPlace(file: string): Place {
  return { file, area: 'web', role: /\.(test|browser)\.tsx?$/.test(file) ? 'test' : 'decision', isDoor: false };
}

/** Text between tags is not TypeScript, so the browser's files are read line by line, for imports only. */
function webFacts(source: string): Facts {
  const imports: Import[] = [];
  for (const [index, line] of source.split('\n').entries()) {
    const match = /(?:^|[\s}])from '([^']+)'|^import '([^']+)'|import\('([^']+)'\)/.exec(line);
    const target = match?.[1] ?? match?.[2] ?? match?.[3];
    if (target) imports.push({ target, line: index + 1, isType: false, isDynamic: match?.[3] !== undefined });
  }
  return { imports, impurities: [], powers: [] };
}
