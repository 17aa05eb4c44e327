// Rollouts of several jobs that go together, on the pages: each job has its own row and its own dots.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../skip.ts';
import { ensurePages } from './built-pages.ts';
import { expectSound, openBrowser, type Session, type TestBrowser } from './chromium.ts';
import { openSeededServer, type SeededServer } from './seeded-server.ts';

const chromium = needs('chromium', 'these tests look at real pages');

describe.skipIf(chromium === undefined)('jobs that go together on the pages', () => {
  let server: SeededServer;
  let browser: TestBrowser;
  let session: Session;

  beforeAll(async () => {
    ensurePages();
    server = await openSeededServer();
    await server.seedTogether();
    browser = await openBrowser(chromium ?? '');
    session = await browser.openSession(server.url);
    await session.page.goto(await server.signInUrl());
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test('D1 the home page and the service show each job; a rollout shows how far the others are', async () => {
    const { page } = session;
    const row = page.getByRole('row', { name: /shop-regions/ });
    await row.waitFor();
    expect(await row.locator('[data-environment="production"] strong').allTextContents()).toEqual(['eu', 'us']);
    await expectSound(page, 'services with jobs');
    await page.goto(`${server.url}/rollouts/ro_seededeu`);
    const together = page.getByRole('region', { name: 'Jobs that go together' });
    await together.waitFor();
    expect(await together.getByRole('row').allTextContents()).toEqual([
      expect.stringMatching(/^us.*running.* of 4 tasks/),
      expect.stringMatching(/^eu.*running/),
    ]);
    await page.getByText('eu waits before its phase').waitFor();
    await page.getByRole('button', { name: 'Go on without the others' }).waitFor();
    await expectSound(page, 'a rollout that waits for another job');
    await together.getByRole('link', { name: 'us' }).click();
    await page.waitForURL('**/rollouts/ro_seededus');
  });

  test('nobody complained: no error on the console, no violation, no request to elsewhere', () => {
    expect(session.complaints).toEqual([]);
  });
});
