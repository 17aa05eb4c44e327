// Every screen with 1, 12, 200 and 2,000 tasks, empty and broken, in light and dark, wide and narrow.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readVerdicts } from '../../src/judge/read.ts';
import { insertVerdict } from '../../src/judge/rows.ts';
import { findRollout, saveRollout } from '../../src/rollout/rows.ts';
import { needs } from '../skip.ts';
import { ensurePages } from './built-pages.ts';
import { expectSound, openBrowser, type Session, type TestBrowser } from './chromium.ts';
import { openSeededServer, type SeededServer } from './seeded-server.ts';

const chromium = needs('chromium', 'these tests look at real pages');
const counts = [1, 12, 200, 2000];

describe.skipIf(chromium === undefined)('screens', () => {
  let server: SeededServer;
  let browser: TestBrowser;
  let session: Session;

  beforeAll(async () => {
    ensurePages();
    server = await openSeededServer();
    browser = await openBrowser(chromium ?? '');
    session = await browser.openSession(server.url);
    await session.page.goto(await server.signInUrl());
    await session.page.getByText('Nothing is deployed yet').waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test('an empty installation says which three commands change that', async () => {
    const { page } = session;
    await expectSound(page, 'home, empty');
    for (const command of ['rollway init', 'git commit', 'rollway deploy']) await page.getByText(command).waitFor();
    await page.getByRole('link', { name: 'Marks' }).click();
    await page.getByText('Nothing is marked.').waitFor();
    await expectSound(page, 'marks, empty', ['phone']);
  });

  test.each(counts)(
    'a rollout over %i tasks: a dot each, a name for every control, nothing sticks out',
    async (size) => {
      const { page } = session;
      const { id } = await server.seed(size);
      await page.goto(`${server.url}/rollouts/${id}`);
      await expect.poll(() => page.locator('[data-index]').count(), { timeout: 20_000 }).toBe(size);
      await page.getByText(`of ${size} tasks · budget`).waitFor();
      await page.getByRole('img', { name: /^latency: old .dashed/ }).waitFor();
      await page
        .getByRole('img', { name: /^Difference \+/ })
        .first()
        .waitFor();
      await expectSound(page, `a rollout over ${size} tasks`, size === 2000 ? ['desktop'] : ['desktop', 'phone']);
    },
  );

  test('the field tells a task under the pointer and under the arrow keys, Enter opens it with its failure card', async () => {
    const { page } = session;
    // No agent runs the seeded tasks: their logs cannot be read, which the page says.
    session.forgive(/^404 .*\/tasks\/2\/log$/);
    await page.goto(`${server.url}/rollouts/ro_seeded12`);
    const field = page.getByRole('group', { name: /^Tasks: / });
    await page.locator('[data-index="2"]').hover();
    await page.getByText('task 2 · failed · host-3').waitFor();
    await page.mouse.move(0, 0);
    await field.focus();
    await page.keyboard.press('ArrowRight');
    await page.getByText('task 0 · new version, serving · host-1').waitFor();
    await page.locator('[data-index="2"]').click();
    const card = page.getByRole('region', { name: 'Failure card' });
    await card.getByText('did not become ready within 10 s').waitFor();
    await card.getByText('503 Service Unavailable').waitFor();
    expect(new URL(page.url()).search).toBe('?task=2');
    await expectSound(page, 'a task with its failure card');
    await page.reload();
    await card.waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await card.waitFor({ state: 'detached' });
  });

  test('ML-13 a latency is told by component: old, new, and how much of what is longer', async () => {
    const { page } = session;
    await page.goto(`${server.url}/rollouts/ro_seeded12`);
    const check = page.getByRole('article', { name: 'Check latency' });
    await check.getByText('Where the time goes').click();
    const row = check.getByRole('row', { name: /^postgresql select/ });
    expect(await row.getByRole('cell').allTextContents()).toEqual(['6.1 ms', '6.8 ms', '88 %']);
    await check.getByRole('row', { name: /^self 3 ms 3.1 ms 12 %/ }).waitFor();
    await expectSound(page, 'a latency by component');
  });

  test('phases are grounds in the field; what is on the screen is what the rows say', async () => {
    const { page } = session;
    await page.goto(`${server.url}/rollouts/ro_seeded200`);
    await page.locator('[data-index="199"]').waitFor();
    const dots = await page.locator('[data-dot]').evaluateAll((all) => all.map((dot) => dot.getAttribute('data-dot')));
    const of = (state: string) => dots.filter((dot) => dot === state).length;
    // Of 50 members: 2, 25, 48 failed; 5, 39 updating; 22 waits for the budget; host-7 is not heard from.
    expect({ failed: of('failed'), held: of('held'), updating: of('updating') }).toEqual({
      failed: 3,
      held: 1,
      updating: 2,
    });
    expect(of('suspected')).toBeGreaterThan(0);
    expect(of('old') + of('new') + of('suspected')).toBe(194);
    expect(await page.locator('.field .ground.current').count()).toBeGreaterThan(10);
  });

  test('services, a service and the hosts', async () => {
    const { page } = session;
    await page.goto(server.url);
    await page.getByRole('row', { name: /shop-12/ }).waitFor();
    await expectSound(page, 'services');
    await page.getByRole('link', { name: 'shop-12', exact: true }).click();
    await page.getByRole('link', { name: 'open the rollout' }).waitFor();
    await expectSound(page, 'a service');
    await page.getByRole('link', { name: 'Hosts' }).click();
    await page.getByRole('rowheader', { name: 'host-40' }).waitFor();
    await expectSound(page, 'hosts');
    await page.goBack();
    await page.getByRole('heading', { name: 'shop-12' }).waitFor();
  });

  test('H7 alarms are called right or wrong on the page of the service, and what checks have earned is shown', async () => {
    const { page } = session;
    await server.store.transaction(async (tx) => {
      const rows = await readVerdicts(tx, 'ro_seeded12');
      const last = rows.at(-1)!;
      const perCheck = last.verdict.perCheck.map((one) => ({
        ...one,
        verdict: 'fail' as const,
        sentence: 'It alarmed.',
      }));
      const verdict = { ...last.verdict, lookId: 'ro_seeded12/alarm', atMs: last.verdict.atMs + 1, perCheck };
      await insertVerdict(tx, { ...last, verdict });
    });
    await page.goto(`${server.url}/services/shop-12`);
    const trust = page.getByRole('region', { name: 'Trust in the checks' });
    await trust
      .getByText(/latency \(revert\): of 1 rollout 0 passed, 0 undecided, 1 alarm \(0 right, 0 wrong, 1 unsaid\)/)
      .waitFor();
    await trust.getByText('It alarmed.').waitFor();
    await expectSound(page, 'trust in the checks');
    await trust.getByRole('button', { name: 'Wrong' }).click();
    await trust.getByText(/latency \(revert\): .* \(0 right, 1 wrong, 0 unsaid\)/).waitFor();
    expect(await trust.getByRole('button', { name: 'Wrong' }).count()).toBe(0);
  });

  test('H10 the watch after the last phase is on the page: until when, what was found, and whom it names', async () => {
    const { page } = session;
    const nowMs = Date.now();
    await server.store.transaction(async (tx) => {
      const rollout = (await findRollout(tx, 'ro_seeded12'))!;
      const watch = {
        state: 'failing',
        fromMs: nowMs - 60_000,
        untilMs: nowMs + 3_540_000,
        note: 'Memory grows.',
      } as const;
      const earlier = { rollout: 'ro_seeded1', release: undefined, version: rollout.to, from: [] } as const;
      const times = { startedAtMs: nowMs - 200_000, endedAtMs: nowMs - 100_000, untilMs: nowMs + 1_000_000 };
      const named = ['ro_seeded1', 'ro_seeded12'] as const;
      await saveRollout(tx, { ...rollout, watch: { ...watch, earlier: [{ ...earlier, ...times }], named } });
    });
    await page.goto(`${server.url}/rollouts/ro_seeded12`);
    const watch = page.getByRole('region', { name: 'Watch after the last phase' });
    await watch.getByText('Memory grows. Its tasks go back when nobody else has the job.').waitFor();
    await watch.getByText(/for 1 ?h, begun/).waitFor();
    await watch.getByText(/it cannot be told which/).waitFor();
    await expectSound(page, 'a watch that found something');
  });

  test('what is not there says so, with a way on', async () => {
    const { page } = session;
    for (const path of ['/rollouts/ro_nothing', '/services/nothing', '/releases/rel_nothing']) {
      await page.goto(server.url + path);
      await page.getByRole('alert').waitFor();
      await expectSound(page, path, ['phone']);
    }
    session.forgive(/^404 .*mark_nothing$/);
    await page.goto(`${server.url}/marks/mark_nothing`);
    await page.getByRole('alert').waitFor();
    await page.goto(`${server.url}/no/such/page`);
    await page.getByRole('link', { name: 'See all services' }).click();
    await page.getByRole('heading', { name: 'Services' }).waitFor();
  });

  test('palette and help by keyboard; focus stays inside and comes back', async () => {
    const { page } = session;
    await page.keyboard.press('Control+k');
    const search = page.getByRole('combobox');
    await search.fill('rollout shop-200@');
    await page.getByRole('option', { name: /rollout shop-200@production/ }).waitFor();
    await expectSound(page, 'the palette');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/rollouts/ro_seeded200');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await expectSound(page, 'the help', ['phone']);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('nobody complained: no error on the console, no violation, no request to elsewhere', () => {
    expect(session.complaints).toEqual([]);
    expect(server.errors).toEqual([]);
  });
});
