// What a person has done with tasks and hosts: each is shown as a plan first, and needs a reason; a viewer has no buttons.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../skip.ts';
import { ensurePages } from './built-pages.ts';
import { expectSound, openBrowser, type Session, type TestBrowser } from './chromium.ts';
import { openSeededServer, type SeededServer } from './seeded-server.ts';

const chromium = needs('chromium', 'these tests look at real pages');

describe.skipIf(chromium === undefined)('plans on the pages', () => {
  let server: SeededServer;
  let browser: TestBrowser;
  let session: Session;

  beforeAll(async () => {
    ensurePages();
    server = await openSeededServer();
    await server.seed(12);
    browser = await openBrowser(chromium ?? '');
    session = await browser.openSession(server.url);
    await session.page.goto(await server.signInUrl());
    await session.page.getByRole('row', { name: /shop-12/ }).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const rows = (table: 'rollout' | 'maintenance') =>
    server.store.read((tx) => tx.selectFrom(table).select('body').orderBy('id').execute());

  test('a restart: the plan of what was typed, refused without a reason, started as it was shown', async () => {
    const { page } = session;
    await page.goto(`${server.url}/services/shop-12`);
    await page.getByRole('button', { name: 'Restart …' }).click();
    const dialog = page.getByRole('dialog', { name: 'Restart shop-12@production' });
    await dialog.getByText('at least 11 of 12 serve').first().waitFor();
    await expectSound(page, 'a restart before it starts');
    await dialog.getByLabel('Tasks').fill('3-1');
    await dialog.getByText('Write whole numbers').waitFor();
    await dialog.getByLabel('Tasks').fill('0-2, 7');
    await dialog.getByText('task 0, 1 at a time').waitFor();
    const start = dialog.getByRole('button', { name: 'Restart' });
    expect(await start.isDisabled()).toBe(true);
    await dialog.getByLabel('Reason').fill('it leaks');
    await start.click();
    await dialog.getByRole('link', { name: 'Watch it' }).waitFor();
    const rounds = (await rows('rollout')).map(({ body }) => JSON.parse(body)).filter(({ kind }) => kind === 'restart');
    expect(rounds).toMatchObject([{ reason: 'it leaks', createdBy: { name: 'ada' } }]);
    await dialog.getByRole('link', { name: 'Watch it' }).click();
    await page.waitForURL('**/rollouts/ro_*');
  });

  test('one task is moved from its panel; a resize and a retirement show what they mean', async () => {
    const { page } = session;
    // No agent runs the seeded tasks: their logs cannot be read, which the page says.
    session.forgive(/^404 .*\/tasks\/4\/log$/);
    await page.goto(`${server.url}/rollouts/ro_seeded12?task=4`);
    await page.getByRole('button', { name: 'Move …' }).click();
    const move = page.getByRole('dialog', { name: 'Move shop-12@production' });
    await expect.poll(() => move.getByLabel('Tasks').inputValue()).toBe('4');
    await move.getByText('task 4, 1 at a time, at least 12 of 12 serve').waitFor();
    await page.keyboard.press('Escape');
    await move.waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement.textContent'), 'focus goes back').toBe('Move …');
    await page.goto(`${server.url}/services/shop-12`);
    await page.getByRole('button', { name: 'Resize …' }).click();
    const resize = page.getByRole('dialog', { name: 'Resize shop-12@production' });
    await resize.getByLabel('Tasks').fill('8');
    await resize.getByText('4 tasks, 1 at a time').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Retire …' }).click();
    const retire = page.getByRole('dialog', { name: 'Retire shop-12@production' });
    await retire.getByText('at least 0 of 12 serve').waitFor();
    await retire.getByLabel('Reason').fill('gone');
    expect(await retire.getByRole('button', { name: 'Retire' }).isDisabled()).toBe(true);
    await retire.getByLabel('Type shop-12@production to confirm').fill('shop-12@production');
    expect(await retire.getByRole('button', { name: 'Retire' }).isDisabled()).toBe(false);
    await expectSound(page, 'a retirement before it starts', ['phone']);
    await page.keyboard.press('Escape');
  });

  test('a maintenance: where its tasks would go, what still runs there and why, and its end', async () => {
    const { page } = session;
    await page.goto(`${server.url}/hosts`);
    await page.getByRole('button', { name: 'Open a maintenance of host-1', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'Open a maintenance' });
    await dialog.getByText(/task 0 → host-/).waitFor();
    await dialog.getByLabel('What is worked on').selectOption('rack=r1');
    await dialog.getByText(/^host-1, host-17, host-25, host-33, host-9:/).waitFor();
    await expectSound(page, 'a maintenance before it is opened');
    await dialog.getByLabel('Reason').fill('new power supplies');
    await dialog.getByRole('button', { name: 'Open', exact: true }).click();
    const list = page.getByRole('region', { name: 'Maintenance' });
    await list.getByText('rack=r1').waitFor();
    await list.getByText(/Tasks leave; 2 tasks run there/).waitFor();
    await list
      .getByText(/shop-12@production\/6 on host-1 \(serving\): Its move waits: The budget of 1 is used up/)
      .waitFor();
    await page
      .getByRole('row', { name: /host-17/ })
      .getByText('in maintenance')
      .waitFor();
    await expectSound(page, 'hosts under maintenance');
    await list.getByRole('button', { name: 'End it' }).click();
    const ending = page.getByRole('dialog', { name: 'End the maintenance' });
    await ending.getByLabel('Reason').fill('all is back');
    await ending.getByRole('button', { name: 'End the maintenance' }).click();
    await list.waitFor({ state: 'detached' });
    expect((await rows('maintenance')).map(({ body }) => JSON.parse(body))).toMatchObject([{ end: 'ended' }]);
  });

  test('a viewer sees what is, and has no button to change it', async () => {
    const other = await browser.openSession(server.url);
    await other.page.goto(await server.signInUrl('viewer'));
    await other.page.getByRole('row', { name: /shop-12/ }).waitFor();
    const told = other.page.waitForResponse(/api\/v1\/me$/);
    await other.page.goto(`${server.url}/services/shop-12`);
    await told;
    await other.page
      .getByRole('region', { name: 'Environments' })
      .getByRole('link', { name: 'open the rollout' })
      .waitFor();
    expect(await other.page.getByRole('button', { name: 'Restart …' }).count()).toBe(0);
    await other.page.getByRole('link', { name: 'Hosts' }).click();
    await other.page.getByRole('rowheader', { name: 'host-40' }).waitFor();
    expect(await other.page.getByRole('button', { name: /Open a maintenance/ }).count()).toBe(0);
    expect(other.complaints).toEqual([]);
  });

  test('nobody complained', () => {
    expect(session.complaints).toEqual([]);
    expect(server.errors).toEqual([]);
  });
});
