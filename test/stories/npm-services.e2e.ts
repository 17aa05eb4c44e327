// Services that nobody here wrote, from the npm registry: deployed, updated to another released version, rolled back.
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findMarked } from '../../src/io/process.ts';
import { makeRepository } from '../local-fleet.ts';
import { needsThat } from '../skip.ts';
import { type Installation, openInstallation } from './installation.ts';

const services = [
  { name: 'http-server', from: '14.1.0', to: '14.1.1', tasks: 4, path: '/', answer: /Served by http-server/ },
  { name: 'verdaccio', from: '6.10.3', to: '6.10.4', tasks: 3, path: '/-/ping', answer: /^\{\}\s*$/ },
] as const;

const canReach = needsThat(isRegistryThere(), 'npm registry', 'services of the npm registry are deployed and updated');

let place: Installation;
beforeAll(async () => {
  if (canReach) place = await openInstallation({ hosts: ['host-1', 'host-2'], net: 31 });
});
afterAll(async () => {
  if (canReach) await place?.close();
});

describe.skipIf(!canReach)('services of the npm registry', () => {
  test.concurrent.for(services)(
    '$name is deployed, updated in place and rolled back',
    { timeout: 600_000, retry: 0 },
    async (service) => {
      const { name, from, to, tasks, path, answer } = service;
      const example = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
      expect(meaningfulLines(join(example, 'rollway.config.ts'))).toBeLessThanOrEqual(10);

      /** What every task answers, and the version of the package that its process runs. */
      const serving = async () => {
        const { endpoints } = await place.client().listEndpoints({ params: { job: `${name}@production` } });
        const answers = await Promise.all(
          endpoints.map(async ({ address, ports }) => {
            const url = `http://${address}:${ports.http}${path}`;
            return await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
          }),
        );
        return { answers, versions: versionsThatRun(place.folder, name) };
      };
      const all = (version: string) => ({
        answers: Array(tasks).fill(expect.stringMatching(answer)),
        versions: [version],
      });
      const repository = makeRepository(join(place.folder, name));
      const run = async (...words: string[]) => {
        const told = await place.rollway(words, { cwd: repository.folder, timeoutMs: 300_000 });
        expect(told, told.out + told.err).toMatchObject({ code: 0 });
        return told.out;
      };

      cpSync(example, repository.folder, { recursive: true, filter: (file) => !/node_modules|storage/.test(file) });
      repository.commit({ '.gitignore': 'node_modules\n' }, `${name} ${from}`);
      expect(await run('deploy')).toMatch(/basic checks only: \d+ tasks?, .*no restarts/);
      expect(await serving()).toEqual(all(from));

      npm(repository.folder, 'install', '--package-lock-only', '--save-exact', '--ignore-scripts', `${name}@${to}`);
      repository.commit({}, `${name} ${to}`);
      await run('deploy');
      expect(await serving()).toEqual(all(to));

      await run('rollback', '--reason', `${to} is not trusted yet`);
      await run('rollout', 'show', '--watch', '--service', name);
      expect(await serving()).toEqual(all(from));
    },
  );
});

function meaningfulLines(file: string): number {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => /\w/.test(line) && !line.startsWith('import')).length;
}

/** Versions of the package in the folders in which tasks of the service run now. */
function versionsThatRun(folder: string, name: string): string[] {
  const folders = findMarked(`ROLLWAY_JOB=${name}@production`)
    .map(({ pid }) => readlinkSync(`/proc/${pid}/cwd`))
    .filter((cwd) => cwd.startsWith(folder));
  const versions = folders.map((cwd) => {
    const text = readFileSync(join(cwd, 'node_modules', name, 'package.json'), 'utf8');
    return (JSON.parse(text) as { version: string }).version;
  });
  return [...new Set(versions)].sort();
}

function npm(cwd: string, ...words: string[]): string {
  return execFileSync('npm', [...words, '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    timeout: 90_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function isRegistryThere(): boolean {
  try {
    return npm(import.meta.dirname, 'view', 'http-server@14.1.1', 'version').includes('14.1.1');
  } catch {
    return false;
  }
}
