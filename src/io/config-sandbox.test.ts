// The quick half; test/config-sandbox.e2e.ts goes through everything a configuration might try.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { evaluateConfig } from '../spec/index.ts';
import { openConfigSandbox } from './index.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollway-sandbox-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function evaluate(body: string, limits = {}) {
  await writeFile(join(folder, 'rollway.config.ts'), body);
  const evaluated = await evaluateConfig(folder, { sandbox: openConfigSandbox(limits) });
  return evaluated.ok
    ? evaluated.value.spec.name
    : evaluated.error.map(({ code, detail }) => `${code} ${detail}`).join();
}

const exporting = (body: string) =>
  `import { defineService } from 'rollway/config';\nexport default defineService({ command: 'x', ${body} });\n`;

describe('the sandbox of configurations', () => {
  it('evaluates one without any installation', async () => {
    expect(await evaluate(exporting(`name: 'web'`))).toBe('web');
  });

  it('refuses what depends on the clock or on chance', async () => {
    expect(await evaluate(exporting('name: `w${Date.now()}`'))).toMatch(
      /^spec\/not-deterministic .*: name is different/,
    );
  });

  it('refuses to read outside the repository, and to write anywhere', async () => {
    const reads = `import fs from 'node:fs'; export default { name: fs.readFileSync('/etc/passwd', 'utf8') };`;
    expect(await evaluate(reads)).toMatch(/^spec\/evaluation-failed .*can read its own repository, and nothing else/);
    const writes = `import fs from 'node:fs'; fs.writeFileSync(new URL('./pwned', import.meta.url), ''); export default {};`;
    expect(await evaluate(writes)).toMatch(/^spec\/evaluation-failed /);
    expect(await readdir(folder)).toEqual(['rollway.config.ts']);
  });

  it('stops what never ends', async () => {
    expect(await evaluate('for (;;);', { timeoutMs: 500 })).toContain('did not end within 0.5 s');
  });

  it('says in which line a mistake is', async () => {
    expect(await evaluate('export default {\n  name "web"\n};\n')).toMatch(/rollway\.config\.ts:2: /);
  });
});
