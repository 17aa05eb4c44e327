// One story in a real browser over real processes: sign in, watch a rollout, hold it, let it go on, roll one back, see
// a bad one caught and marked, lose the server and find it again.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RolloutSummary } from '../../src/api/index.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';
import { needs } from '../skip.ts';
import { ensurePages } from './built-pages.ts';
import { expectSound, openBrowser, type Page, type Session, type TestBrowser } from './chromium.ts';

const chromium = needs('chromium', 'this story is told in a real browser');

const config = `name: tiny
command: node server.js
ready: { http: /healthz, within: 2s }
test: node --check server.js
tasks: 3
budget: 1
drain: 200ms
phases: [1, all]
bake: 1s
`;
const patient = config.replace('bake: 1s', 'bake: 10m');
const serverOf = (greeting: string, health = 200) => `
console.log('serving ${greeting}');
const { createServer } = require('node:http');
createServer((request, response) => {
  response.statusCode = request.url === '/healthz' ? ${health} : 200;
  response.end('${greeting}');
}).listen(process.env.PORT, process.env.HOST ?? process.env.ADDRESS);
`;

/** Notes every state that a dot of the field was ever seen in. */
const noteDots = `window.seenDots = new Set();
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.dataset?.dot) window.seenDots.add(target.dataset.dot);
}).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-dot'] });`;

describe.skipIf(chromium === undefined)('a story', () => {
  let fleet: LocalFleet;
  let repository: ReturnType<typeof makeRepository>;
  let browser: TestBrowser;
  let session: Session;
  let page: Page;

  beforeAll(async () => {
    ensurePages();
    fleet = await openLocalFleet(3);
    repository = makeRepository(join(fleet.folder, 'tiny'));
    browser = await openBrowser(chromium ?? '');
    session = await browser.openSession(fleet.server().url);
    page = session.page;
    await session.context.addInitScript(noteDots);
  });
  afterAll(async () => {
    await browser?.close();
    await fleet?.close();
  });

  const newest = async (): Promise<RolloutSummary | undefined> => (await fleet.client.listRollouts()).items[0];
  const state = (word: string) => page.locator('h1 .state', { hasText: word });
  const dots = (word: string) => page.locator(`[data-dot=${word}]`).count();
  const soon = { timeout: 60_000, interval: 200 };

  /** Commits, and opens the rollout that comes of it from the list of services, which is not loaded anew. */
  async function rollOut(files: Readonly<Record<string, string>>, subject: string): Promise<void> {
    await page.getByRole('link', { name: 'Services' }).click();
    const before = (await newest())?.id;
    repository.commit(files, subject);
    await expect.poll(async () => (await newest())?.id, soon).not.toBe(before);
    await page.getByRole('row', { name: /tiny/ }).getByRole('link', { name: 'rolling' }).click({ timeout: 30_000 });
    await page.waitForURL(`**/rollouts/${(await newest())?.id}`);
  }

  async function tell(reason: string, button: string): Promise<void> {
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Reason/).fill(reason);
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  }

  test('a sign-in link signs one browser in, once', async () => {
    const link = await fleet.server().signInUrl();
    await page.goto(link);
    await page.getByText('Nothing is deployed yet').waitFor();
    expect(page.url()).not.toContain('code');
    const second = await browser.openSession(fleet.server().url);
    second.forgive(/^40[01] /);
    await second.page.goto(link);
    await second.page.getByText(/rollway ui/).waitFor();
    await second.page.goto(fleet.server().url);
    await second.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(second.complaints).toEqual([]);
    await second.context.close();
  });

  test('a first commit appears by itself; its service shows the pipeline and leads to the rollout', async () => {
    repository.commit({ 'rollway.yaml': config, 'server.js': serverOf('one') }, 'One');
    await fleet.client.registerRepository({ body: { url: repository.folder } });
    await page.getByRole('row', { name: /tiny/ }).waitFor({ timeout: 60_000 });
    await page.getByRole('link', { name: 'tiny', exact: true }).click();
    for (const action of ['build', 'test', 'deploy-production'])
      await page.getByRole('region', { name: action, exact: true }).waitFor();
    await page.getByRole('img', { name: '3 serving' }).waitFor({ timeout: 60_000 });
    await page.getByText('✓ succeeded').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: /^✓/ }).first().click();
    await expect.poll(() => page.locator('.node.lit').count()).toBe(3);
    await expectSound(page, 'a service with its pipeline');
    await page.getByRole('link', { name: 'rollout', exact: true }).click();
    await state('succeeded').waitFor();
    expect(await dots('new')).toBe(3);
  });

  test('p pauses and r resumes, with a reason; dots move while it rolls; the wait can be skipped', async () => {
    await rollOut({ 'rollway.yaml': patient, 'server.js': serverOf('two') }, 'Two');
    await expect.poll(() => dots('new'), soon).toBe(1);
    await page.keyboard.press('p');
    await tell('a look at the first one', 'Pause');
    await state('held').waitFor();
    await page.getByText('A look at the first one').first().waitFor();
    expect((await newest())?.state).toBe('held');
    await expectSound(page, 'a rollout that is held');
    await page.keyboard.press('r');
    await tell('it looks well', 'Resume');
    await state('running').waitFor();
    for (const phase of [0, 1]) {
      await expect.poll(() => dots('new'), soon).toBe(phase === 0 ? 1 : 3);
      await page.getByRole('button', { name: 'Skip the wait' }).click();
      await tell(`phase ${phase + 1} is well`, 'Skip the wait');
      if (phase === 0) await page.getByRole('listitem').filter({ hasText: 'all' }).getByText('updating').waitFor();
    }
    await state('succeeded').waitFor({ timeout: 30_000 });
    expect(await page.evaluate<string[]>('[...window.seenDots]')).toEqual(expect.arrayContaining(['updating', 'new']));
    const timeline = page.getByRole('region', { name: 'Timeline' });
    await timeline.getByLabel('Filter the timeline').fill('pause');
    await timeline.getByText('Pause: a look at the first one').waitFor();
  });

  test('Roll back says how many tasks, needs a person to mean it, and takes them back', async () => {
    await rollOut({ 'server.js': serverOf('three') }, 'Three');
    await expect.poll(() => dots('new'), soon).toBe(1);
    await page.getByRole('button', { name: 'Roll back' }).click();
    await page.getByText(/^Takes 1 task back to the version they ran before/).waitFor();
    await expectSound(page, 'a dialogue', ['phone']);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await newest())?.state).toBe('running');
    await page.getByRole('button', { name: 'Roll back' }).click();
    await tell('the greeting is wrong', 'Roll back');
    await state('reverted').waitFor({ timeout: 30_000 });
    await expect.poll(() => dots('new'), soon).toBe(0);
  });

  test('a task opens with its log', async () => {
    await page.locator('[data-index="1"]').click();
    const panel = page.getByRole('region', { name: 'Task 1', exact: true });
    await panel.getByText('serving two').waitFor();
    await page.keyboard.press('Escape');
  });

  test('a bad commit: what failed, what was done, which commit is marked, and what clears it', async () => {
    await rollOut({ 'rollway.yaml': config, 'server.js': serverOf('four', 500) }, 'Four');
    const banner = page.getByRole('alert').filter({ hasText: 'Failed in' });
    await banner.waitFor({ timeout: 60_000 });
    await state('reverted').waitFor({ timeout: 60_000 });
    await banner.getByText('all are back on the version that was good').waitFor();
    await banner.getByRole('link', { name: 'marked' }).waitFor({ timeout: 30_000 });
    await expectSound(page, 'a rollout that failed');
    await banner.getByRole('link', { name: 'marked' }).click();
    await page.getByRole('heading', { name: 'Candidate commits' }).waitFor();
    await page.getByText('runs nowhere').first().waitFor();
    await expectSound(page, 'a mark');
    await page.getByRole('link', { name: 'Marks' }).click();
    await page.getByRole('link', { name: /Four/ }).waitFor();
    await expectSound(page, 'marks');
  });

  test('a release has its commits, its package, and the log of each action', async () => {
    await page.getByRole('link', { name: 'Services' }).click();
    await page.getByRole('link', { name: 'tiny', exact: true }).click();
    await page.getByRole('link', { name: 'Four', exact: true }).click();
    await page.getByText('It contains a commit that is marked bad').waitFor();
    await page.getByRole('button', { name: 'Show the log of test' }).click();
    await page.getByRole('region', { name: 'Lines of the log' }).waitFor();
    await expectSound(page, 'a release');
    await page.goBack();
    await page.getByRole('heading', { name: 'tiny', level: 1 }).waitFor();
  });

  test('without the server the page says since when it is stale; with it, it is live again', async () => {
    session.forgive(/ERR_|^50\d /);
    const stale = page.getByRole('alert').filter({ hasText: 'No word from the server since' });
    await Promise.all([fleet.restartServer(), stale.waitFor()]);
    await stale.waitFor({ state: 'detached', timeout: 30_000 });
    await page.getByRole('status').getByText('live').waitFor();
    await page.getByRole('heading', { name: 'tiny', level: 1 }).waitFor();
  });

  test('nobody complained: no error on the console, no violation, no request to elsewhere', () => {
    expect(session.complaints).toEqual([]);
  });
});
