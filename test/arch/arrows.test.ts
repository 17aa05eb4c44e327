import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findViolations, type Tree } from './arrows.ts';
import { factsOf } from './facts.ts';

test('the house keeps its arrows', () => {
  const files = globSync('{src,web,sim,bench,test,scripts,examples}/**/*', {
    exclude: (name) => name.includes('node_modules') || name === 'web/dist',
  });
  const tree = Object.fromEntries(
    files.map((file) => [file, /^(src|web)\/.*\.tsx?$/.test(file) ? readFileSync(file, 'utf8') : '']),
  );
  expect(findViolations(tree).join('\n')).toBe('');
});

const door = {
  'src/rollout/index.ts': '',
  'src/disruption/index.ts': '',
  'src/model/index.ts': '',
  'src/store/index.ts': '',
};

describe('these trees are good', () => {
  test.each<[name: string, tree: Tree]>([
    ['an empty house', {}],
    [
      'a decision uses foundations and doors',
      {
        'src/rollout/advance.ts': imports(
          '../model/index.ts',
          '../stats/index.ts',
          '../disruption/index.ts',
          './phase.ts',
          'semver',
        ),
      },
    ],
    ['rows use the store', { 'src/rollout/rows.ts': imports('../store/index.ts', 'kysely', './index.ts') }],
    [
      'work uses engine, decisions and rows of others',
      { 'src/rollout/work.ts': imports('../engine/index.ts', '../pipeline/rows.ts', './advance.ts', './rows.ts') },
    ],
    [
      'two works use rows of each other',
      { 'src/rollout/work.ts': imports('../pipeline/rows.ts'), 'src/pipeline/work.ts': imports('../rollout/rows.ts') },
    ],
    ['work names types of the store', { 'src/rollout/work.ts': "import type { Tx } from '../store/index.ts';" }],
    [
      'the server puts everything together',
      {
        'src/server/compose.ts': imports(
          '../rollout/work.ts',
          '../rollout/read.ts',
          '../drivers/fleet/index.ts',
          '../judge/sources/prometheus.ts',
          'hono',
          'node:http',
        ),
      },
    ],
    [
      'a verb loads the server when needed',
      { 'src/cli/server.ts': "export const run = async () => (await import('../server/index.ts')).start();" },
    ],
    [
      'a driver implements its port',
      {
        'src/drivers/fleet/execute.ts': imports(
          '../port.ts',
          '../index.ts',
          '../../fleet/index.ts',
          '../../kit/index.ts',
          'node:http',
        ),
      },
    ],
    [
      'a source implements its port',
      { 'src/judge/sources/prometheus.ts': imports('../index.ts', '../../model/index.ts', 'node:http') },
    ],
    [
      'products in a judgement, powers elsewhere',
      {
        'src/judge/x.ts': "/** a ** b */ export * from './y.ts'; const a = b * c * Math.exp(d);",
        'src/judge/y.ts': '',
        'src/rollout/x.ts': 'const a = b ** 2;',
      },
    ],
    ['kit hashes', { 'src/kit/hash.ts': imports('node:crypto') }],
    [
      'the web uses api and model',
      {
        'web/app.tsx':
          "import { client } from '../src/api/index.ts';\nimport './x.css';\nexport const A = () => <p>don't</p>;",
      },
    ],
    [
      'tests use everything',
      { 'src/rollout/advance.test.ts': imports('../server/index.ts', 'node:fs', 'vitest', '../pipeline/graph.ts') },
    ],
    [
      'time in a comment, a string, a pattern, a template',
      {
        'src/rollout/advance.ts':
          "// Date.now()\nconst a = 'Math.random()', b = /fetch(x)/.test(c), d = `setTimeout(${e}) process.env`; /* new Date() */",
      },
    ],
    [
      'a date made of a number',
      { 'src/rollout/advance.ts': 'export const at = (ms: number) => new Date(ms).toISOString();' },
    ],
    [
      'names of ours',
      {
        'src/judge/port.ts':
          'export interface Source { fetch(query: string): Promise<void>; performance: number; process?: string }\nport.fetch(x); a.process.pid; f({ process: 1 });',
      },
    ],
    [
      'the words import and from in code',
      {
        'src/rollout/advance.ts':
          "export type from = string; const x = { import: 1, from: 2 }; import.meta.url; export const y = a.from('node:fs');",
      },
    ],
  ])('%s', (_, tree) => {
    expect(findViolations({ ...door, ...tree })).toEqual([]);
  });
});

describe('these trees are refused', () => {
  test.each<[name: string, tree: Tree, message: RegExp]>([
    [
      'a decision opens the store',
      { 'src/rollout/advance.ts': imports('../store/index.ts') },
      /advance\.ts:1 → src\/store\/index\.ts: a decision \(rollout\) may import/,
    ],
    ['a decision reads its rows', { 'src/rollout/advance.ts': imports('./rows.ts') }, /does not import rows\.ts/],
    [
      'a decision reads rows of others',
      { 'src/rollout/advance.ts': imports('../pipeline/rows.ts') },
      /only work\.ts and read\.ts/,
    ],
    ['a decision reads files', { 'src/rollout/advance.ts': imports('node:fs') }, /imports no node/],
    ['a decision uses an impure package', { 'src/rollout/advance.ts': imports('hono') }, /may use zod/],
    [
      'a decision names types of the store',
      { 'src/rollout/advance.ts': "import type { Tx } from '../store/index.ts';" },
      /may import/,
    ],
    [
      'a type in passing',
      { 'src/rollout/advance.ts': "export type A = import('../store/index.ts').Tx;" },
      /may import/,
    ],
    [
      'over the wall',
      { 'src/rollout/advance.ts': imports('../pipeline/graph.ts') },
      /the door of pipeline is its index\.ts/,
    ],
    [
      'over the wall, later',
      { 'src/rollout/advance.ts': "const x = await import('../pipeline/graph.ts');" },
      /the door of pipeline/,
    ],
    [
      'over the wall, re-exported',
      { 'src/rollout/index.ts': "export * from '../pipeline/graph.ts';" },
      /the door of pipeline/,
    ],
    [
      'over the wall, over several lines',
      { 'src/rollout/advance.ts': "import {\n  type A,\n  b as c,\n} from '../pipeline/graph.ts';" },
      /the door of pipeline/,
    ],
    ['an import without .ts', { 'src/rollout/advance.ts': imports('./phase') }, /ends in \.ts/],
    ['a computed import', { 'src/rollout/advance.ts': 'await import(name);' }, /nothing computed/],
    ['a computed template', { 'src/rollout/advance.ts': 'await import(`./${name}.ts`);' }, /nothing computed/],
    ['the clock', { 'src/rollout/advance.ts': '\nconst a = Date.now();' }, /advance\.ts:2 uses Date\.now/],
    ['today', { 'src/rollout/advance.ts': 'const a = new Date();' }, /new Date\(\)/],
    ['today, in short', { 'src/rollout/advance.ts': 'const a = new Date;' }, /new Date\(\)/],
    ['dice', { 'src/rollout/advance.ts': 'const a = `${Math.random()}`;' }, /Math\.random/],
    ['a timer', { 'src/rollout/advance.ts': 'setTimeout(go, 5);' }, /setTimeout/],
    ['the environment', { 'src/rollout/advance.ts': 'const a = process.env.A;' }, /process\.env/],
    ['the environment, spread', { 'src/rollout/advance.ts': 'f(...process.argv);' }, /process\.argv/],
    ['a stopwatch', { 'src/kit/x.ts': 'const a = performance.now();' }, /performance\.now/],
    ['a power in a judgement', { 'src/judge/x.ts': 'const a = b ** 2;' }, /x\.ts:1 uses \*\*: it differs/],
    ['a power in numbers', { 'src/stats/x.ts': '\nconst a = Math.pow(b, 2);' }, /x\.ts:2 uses Math\.pow/],
    ['a power that assigns', { 'src/judge/x.ts': 'a **= 2;' }, /uses \*\*/],
    ['the network', { 'src/rollout/advance.ts': 'const a = await fetch(url);' }, /uses fetch/],
    [
      'the clock after a division',
      { 'src/rollout/advance.ts': 'const a = b / 2; const c = Date.now() / 2;' },
      /Date\.now/,
    ],
    [
      'the clock inside a template',
      { 'src/rollout/advance.ts': 'const a = `x ${f({ b: `${Date.now()}` })} y`;' },
      /Date\.now/,
    ],
    [
      'rows of others from rows',
      { 'src/rollout/rows.ts': imports('../pipeline/rows.ts') },
      /only work\.ts and read\.ts/,
    ],
    ['work runs work of others', { 'src/rollout/work.ts': imports('../pipeline/work.ts') }, /only the server/],
    ['work opens the store', { 'src/rollout/work.ts': imports('../store/index.ts') }, /only types of store/],
    [
      'the engine knows an area',
      { 'src/engine/run.ts': imports('../rollout/index.ts') },
      /engine may import store, model, kit/,
    ],
    ['the model grows', { 'src/model/x.ts': imports('../kit/index.ts') }, /model may import no other area/],
    ['the model uses a package', { 'src/model/x.ts': imports('yaml') }, /model may use zod/],
    ['kit hashes elsewhere', { 'src/kit/ids.ts': imports('node:crypto') }, /imports no node/],
    ['stats uses our words', { 'src/stats/t.ts': imports('../model/index.ts') }, /no other area/],
    ['the cli starts the server at once', { 'src/cli/main.ts': imports('../server/index.ts') }, /only when needed/],
    [
      'the web opens the server',
      { 'web/app.tsx': "import { x } from '../src/server/index.ts';" },
      /web may import api, model/,
    ],
    ['the sdk uses kit', { 'src/sdk/x.ts': imports('../kit/index.ts') }, /sdk may import api, model/],
    ['a driver knows another', { 'src/drivers/fleet/x.ts': imports('../simulated/index.ts') }, /may import/],
    ['a driver opens the store', { 'src/drivers/fleet/x.ts': imports('../../store/index.ts') }, /may import/],
    ['a judge knows a source', { 'src/judge/judge.ts': imports('./sources/prometheus.ts') }, /may import/],
    ['PostgreSQL outside the store', { 'src/server/x.ts': imports('pg') }, /only store knows/],
    ['sqlite outside the store', { 'src/server/x.ts': imports('node:sqlite') }, /only store/],
    [
      'code that imports a test',
      { 'src/server/x.ts': imports('../rollout/advance.test.ts') },
      /only tests import tests/,
    ],
    ['src imports a simulation', { 'src/server/x.ts': imports('../../sim/world.ts') }, /nothing outside src/],
    ['an unknown area', { 'src/misc/x.ts': '' }, /"misc" is not an area/],
    ['a drawer for everything', { 'src/rollout/utils/x.ts': '' }, /no folder has this name/],
    ['a drawer outside src', { 'sim/helpers/x.ts': '' }, /no folder has this name/],
    [
      'two areas in a circle',
      {
        'src/rollout/index.ts': imports('../disruption/index.ts'),
        'src/disruption/index.ts': imports('../rollout/index.ts'),
      },
      /cycle disruption → rollout → disruption\n {4}src\/disruption\/index\.ts:1 → src\/rollout\/index\.ts\n/,
    ],
    [
      'three areas in a circle, by other files',
      {
        'src/rollout/a.ts': imports('../disruption/index.ts'),
        'src/disruption/b.ts': imports('../judge/index.ts'),
        'src/judge/c.ts': imports('../rollout/index.ts'),
      },
      /cycle disruption → judge → rollout → disruption/,
    ],
  ])('%s', (_, tree, message) => {
    expect(findViolations({ ...door, ...tree }).join('\n')).toMatch(message);
  });
});

test('every way to import is seen', () => {
  const source = `
    import a from 'a'; import * as b from "b"; import { c, type C } from 'c'; import 'd'; import type { E } from 'e';
    export { f } from 'f'; export * from 'g'; export * as h from 'h'; export type { I } from 'i';
    const j = await import('j'); type K = typeof import('k'); import l, { type L } from 'l'; import m with { type: 'x' };
    import n from 'n' with { type: 'json' }; export type O = { from: 'nothing' }; export const p = 1; const q = \`r\`;`;
  expect(factsOf(source).imports.map(({ target }) => target)).toEqual([...'abcdefghijkln']);
  expect(
    factsOf(source)
      .imports.filter(({ isType }) => isType)
      .map(({ target }) => target),
  ).toEqual([...'eik']);
});

function imports(...targets: string[]): string {
  return targets.map((target, index) => `import { a${index} } from '${target}';`).join('\n');
}
