// The machine's own Chromium for tests, watched: what a page complains of, and what leaves its origin, is collected.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

export type { Page } from 'playwright-core';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
export const sizes = {
  desktop: { width: 1440, height: 900 },
  tablet: { width: 1024, height: 768 },
  phone: { width: 390, height: 844 },
} as const;

export interface Session {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors on the console, exceptions, violations of the content security policy, requests to elsewhere. */
  readonly complaints: string[];
  /** What a page says to a server that is away is no complaint. */
  forgive(pattern: RegExp): void;
}

export interface TestBrowser {
  /** A browser of its own: nothing is signed in. `url` is the one origin it may speak to. */
  openSession(url: string): Promise<Session>;
  close(): Promise<void>;
}

export async function openBrowser(executablePath: string): Promise<TestBrowser> {
  const folder = mkdtempSync(join(tmpdir(), 'rollway-chromium-'));
  const browser: Browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [...flags, `--crash-dumps-dir=${folder}`, `--disk-cache-dir=${join(folder, 'cache')}`],
    env: { ...process.env, HOME: folder, TMPDIR: folder } as Record<string, string>,
  });
  return {
    async openSession(url) {
      const context = await browser.newContext({ viewport: sizes.desktop });
      context.setDefaultTimeout(20_000);
      const page = await context.newPage();
      const complaints: string[] = [];
      const forgiven: RegExp[] = [];
      const complain = (text: string) => {
        if (!forgiven.some((pattern) => pattern.test(text))) complaints.push(text);
      };
      page.on('console', (message) => {
        // What was answered with an error is told below, with its address.
        if (message.text().startsWith('Failed to load resource')) return;
        if (['error', 'warning'].includes(message.type())) complain(`${message.type()}: ${message.text()}`);
      });
      page.on('pageerror', (error) => complain(`exception: ${error.message}`));
      page.on('response', (response) => {
        if (response.status() >= 400) complain(`${response.status()} ${new URL(response.url()).pathname}`);
      });
      page.on('requestfailed', (request) => {
        const why = request.failure()?.errorText ?? '';
        // A stream or a read that the page itself ended.
        if (!/ERR_ABORTED/.test(why)) complain(`${why} ${new URL(request.url()).pathname}`);
      });
      page.on('request', (request) => {
        const to = new URL(request.url());
        if (to.origin !== new URL(url).origin && to.protocol !== 'data:') complain(`request to ${to.origin}`);
      });
      await context.addInitScript(violationsToConsole);
      return { page, context, complaints, forgive: (pattern) => forgiven.push(pattern) };
    },
    async close() {
      await browser.close();
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

const violationsToConsole = `document.addEventListener('securitypolicyviolation', (event) => {
  console.error('content security policy: ' + event.violatedDirective + ' ' + event.blockedURI);
});`;

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds on the page as it is; nothing is what we want. */
export async function findAxeViolations(page: Page): Promise<string[]> {
  if (!(await page.evaluate<boolean>('typeof axe === "object"'))) await page.evaluate(axeSource);
  return page.evaluate<string[]>(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.flatMap(({ id, help, nodes }) => nodes.map((node) => id + ': ' + help + ': ' + node.target.join(' '))))`);
}

/** Nothing that axe-core finds, and nothing that sticks out sideways: light and dark, wide and narrow. */
export async function expectSound(page: Page, what: string, widths: (keyof typeof sizes)[] = ['desktop', 'phone']) {
  for (const width of widths) {
    await page.setViewportSize(sizes[width]);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findAxeViolations(page), `${what}, ${width}, ${colorScheme}`).toEqual([]);
    }
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(overflow, `${what} on a ${width} sticks out by so many pixels`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize(sizes.desktop);
  await page.emulateMedia({ colorScheme: 'light' });
}
