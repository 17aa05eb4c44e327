import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { routes } from '../src/api/index.ts';
import { createProgram } from '../src/cli/program.ts';
import { taskControlRequestSchema, taskControlResponseSchema } from '../src/model/index.ts';
import { apiReference, openApiFile, taskControlFile } from './docs/api.ts';
import { cliReference } from './docs/cli.ts';
import { configReference } from './docs/config.ts';
import { pageOf, proofsIn } from './docs/requirements.ts';

describe('requirements from test names', () => {
  test.each<[name: string, text: string, ids: string[]]>([
    ['one id', `test('D${3} a replacement', () => {})`, ['D3']],
    ['several ids', `it("C${7} TWC-${1} shards", f)`, ['C7', 'TWC-1']],
    ['ids with commas, over two lines', 'test.each(rows)(\n  `I' + '1, I2 hold in ${runs} runs`, f)', ['I1', 'I2']],
    ['no id', `test('holds 3 tasks', f)`, []],
    ['an id in the middle', `test('what D${3} says', f)`, []],
  ])('%s', (_, text, ids) => {
    expect(proofsIn('a.test.ts', text).map((proof) => proof.id)).toEqual(ids);
  });

  test('the page has one line for each test and says which ids no test names', () => {
    const page = pageOf([
      { id: 'D10', test: 'b', file: 'b.ts' },
      { id: 'D2', test: 'a | b', file: 'a.ts' },
      { id: 'D2', test: 'a | b', file: 'a.ts' },
    ]);
    const lines = page.split('\n').filter((line) => line.endsWith('.ts |'));
    expect(lines).toEqual(['| D2 | a \\| b | a.ts |', '| D10 | b | b.ts |']);
    expect(page).toMatch(/\| P9 \| .* \| none names it yet \|/);
  });
});

test('the reference of the command has every verb and every option that is shown', async () => {
  const page = await cliReference();
  const program = await createProgram(() => undefined);
  const all = program.commands.flatMap((command) => [command, ...command.commands]);
  for (const command of all) {
    const path = command.parent === program ? command.name() : `${command.parent!.name()} ${command.name()}`;
    if (command.commands.length === 0) expect(page).toMatch(new RegExp(`^## \`rollway ${path}[ \`]`, 'm'));
    for (const option of command.options) expect(page.includes(option.flags)).toBe(!option.hidden);
  }
});

test('the reference of the API has every route; the document is JSON', () => {
  const page = apiReference();
  for (const { method, path } of Object.values(routes)) expect(page).toContain(`| \`${method} ${path}\` |`);
  expect(JSON.parse(openApiFile())).toMatchObject({ openapi: '3.1.0' });
});

test('the OpenAPI file of TaskControl is as the code has it, and the example in its docs is a request', () => {
  expect(readFileSync('docs/reference/taskcontrol.openapi.json', 'utf8')).toBe(taskControlFile());
  const examples = [...readFileSync('docs/taskcontrol.md', 'utf8').matchAll(/```json\n(.*?)```/gs)];
  expect(taskControlRequestSchema.parse(JSON.parse(examples[0]![1]!)).request).toHaveLength(2);
  expect(taskControlResponseSchema.parse(JSON.parse(examples[1]![1]!)).ack).toEqual(['op_1']);
});

test('the reference of the configuration says of every key what it takes', () => {
  const rows = [...configReference().matchAll(/^\| `([^`]+)` \| (.*?) \| .* \|$/gm)];
  expect(rows.length).toBeGreaterThan(60);
  expect(rows.filter(([, , takes]) => takes === '').map(([, key]) => key)).toEqual([]);
});
