import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openConfigSandbox, readRepositoryFacts } from '../io/index.ts';
import { compileSpec, draftConfig, evaluateConfig, type RepositoryFacts } from './index.ts';

const examples = new URL('../../examples/', import.meta.url).pathname;

/** Lines that say something to Rollway: no comments, blanks, import, or brackets alone. */
function meaningfulLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !/^\s*(\/\/.*|import .*|export default defineService\(\{|\}\);)?$/.test(line));
}

/** The drafts are simple enough to be run here; what the sandbox does is tested beside it. */
function specOf(text: string) {
  const body = text.replace(/^import .*$/m, '').replace('export default', 'return');
  const value = new Function('defineService', body)((config: unknown) => config);
  const compiled = compileSpec(value, 'rollway.config.ts');
  if (!compiled.ok) throw new Error(compiled.error.map(({ detail }) => detail).join('\n'));
  return compiled.value.spec;
}

describe('rollway init', () => {
  const draft = (facts: Partial<RepositoryFacts>) =>
    draftConfig({ folder: 'My Shop', entries: [], packageJson: undefined, ...facts });
  const npm = (manifest: object, entries: string[] = []) => draft({ packageJson: JSON.stringify(manifest), entries });

  it('finds start, build and tests of a package, and the draft is a valid configuration of ten lines at most', async () => {
    const { text, file } = npm(
      {
        name: '@acme/shop.web',
        scripts: { start: 'node src/server.js', build: 'tsc', test: 'vitest run' },
        dependencies: { x: '1' },
      },
      ['package-lock.json', 'src'],
    );
    expect(file).toBe('rollway.config.ts');
    expect(meaningfulLines(text).length).toBeLessThanOrEqual(10);
    const spec = specOf(text);
    expect(spec.name).toBe('shop-web');
    expect(spec.task.command).toEqual(['node', 'src/server.js']);
    expect(spec.pipeline.actions.slice(0, 2)).toMatchObject([
      {
        type: 'build',
        commands: [
          ['npm', 'ci'],
          ['npm', 'run', 'build'],
        ],
      },
      { type: 'test', commands: [['npm', 'test']] },
    ]);
  });

  it.each([
    ['bin', { bin: { x: 'bin/x.js' } }, [], ['node', 'bin/x.js']],
    ['main', { main: 'lib/index.js' }, [], ['node', 'lib/index.js']],
    ['a start script that needs a shell', { scripts: { start: 'A=1 node x && y' } }, [], ['npm', 'start']],
    ['a file of a usual name', {}, ['app.js'], ['node', 'app.js']],
  ])('takes the command from %s', async (_name, manifest, entries, command) => {
    const { text, notes } = npm(manifest, entries);
    const spec = specOf(text);
    expect(spec.task.command).toEqual(command);
    expect(spec.name).toBe('my-shop');
    expect(notes.join(' ')).toContain('No tests were found');
  });

  it('leaves out the test that npm init writes', () => {
    expect(npm({ main: 'x.js', scripts: { test: 'echo "Error: no test specified" && exit 1' } }).text).not.toContain(
      'npm test',
    );
  });

  it('serves a static folder', async () => {
    for (const [entries, folder] of [
      [['public', 'README.md'], 'public'],
      [['index.html'], '.'],
    ] as const) {
      const { text } = draft({ entries });
      expect(specOf(text).task.command).toEqual([
        'npx',
        '--yes',
        'http-server',
        folder,
        '-a',
        '{address}',
        '-p',
        '{port}',
      ]);
    }
  });

  it('says honestly when it knows nothing', async () => {
    for (const facts of [
      { entries: ['main.go'] },
      { packageJson: '{', entries: [] },
      { packageJson: '[]' },
      { packageJson: '{}' },
    ]) {
      const { text, notes } = draft(facts);
      expect(text).toContain('CHANGE THIS');
      expect(notes.join()).toContain('could not tell');
      expect(meaningfulLines(text).length).toBeLessThanOrEqual(10);
      specOf(text);
    }
  });

  it('survives names with quotes and other strange ones', async () => {
    for (const name of ["it's", '123', '', '日本', 'a'.repeat(100)]) {
      expect(specOf(npm({ name, main: `a'b "c" $d.js` }).text).task.command).toEqual(['node', `a'b "c" $d.js`]);
      expect(specOf(npm({ name, main: 'x.js' }).text).name).toMatch(/^[a-z][a-z0-9-]{0,40}$/);
    }
  });

  it('quotes what needs it', () => {
    const strange = `a'b "c" $d.js`;
    expect(specOf(npm({ main: strange }).text).task.command).toEqual(['node', strange]);
  });

  it('looks at a real folder', async () => {
    const facts = await readRepositoryFacts(join(examples, 'guestbook'));
    expect(facts.folder).toBe('guestbook');
    const spec = specOf(draftConfig(facts).text);
    expect(spec.task.command).toEqual(['node', 'src/server.js']);
  });
});

describe('P13 real services that nobody here wrote', () => {
  it.each(['verdaccio', 'http-server'])('%s fits into ten lines', async (name) => {
    const folder = join(examples, name);
    const text = await readFile(join(folder, 'rollway.config.ts'), 'utf8');
    expect(meaningfulLines(text).length).toBeLessThanOrEqual(10);
    const evaluated = await evaluateConfig(folder, { sandbox: openConfigSandbox() });
    if (!evaluated.ok) throw new Error(evaluated.error.map(({ detail }) => detail).join('\n'));
    expect(evaluated.value.spec.name).toBe(name);
    const { task, pipeline, judge } = evaluated.value.spec;
    expect(task.command.join(' ')).toMatch(/\{address\}.*\{port\}/);
    expect([task.metrics, judge.checks]).toEqual([null, []]);
    expect(pipeline.actions[0]).toMatchObject({ type: 'build', commands: [['npm', 'ci', '--omit=dev']] });
  });
});
