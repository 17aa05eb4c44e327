// How the rollout screen does with 2,000 tasks in a real Chromium: frames a second while four deltas a second change
// hundreds of dots (must stay above 30), and the processor time of the whole browser when nothing happens (below 5 %).
//
//     node bench/web-frames.ts [tasks] [dots that change with each delta]
//
// The server runs in this process, on the store and the live stream that it has in production.
import { setTimeout as sleep } from 'node:timers/promises';
import type { CDPSession } from 'playwright-core';
import type { TaskFacts } from '../src/disruption/index.ts';
import { saveTask } from '../src/disruption/rows.ts';
import { ensurePages } from '../test/browser/built-pages.ts';
import { openBrowser, type Page } from '../test/browser/chromium.ts';
import {
  newVersion,
  oldVersion,
  openSeededServer,
  type SeededRollout,
  type SeededServer,
} from '../test/browser/seeded-server.ts';
import { describeMachine, median, writeResult } from './machine.ts';

const [taskCount = 2000, dotsPerDelta = 300] = process.argv.slice(2).map(Number);
const busyMs = 12_000;
const idleMs = 20_000;
const deltaEveryMs = 250;
const limits = { framesPerSecond: 30, idlePercent: 5 };

/** Counts frames, the gaps between them, and dots that changed. */
const observe = `window.bench = { gaps: [], dots: 0, at: 0 };
window.bench.observer = new MutationObserver((changes) => { window.bench.dots += changes.length; });
window.bench.observer.observe(document.querySelector('.field svg'), {
  subtree: true, attributes: true, attributeFilter: ['data-dot'],
});
(function frame(now) {
  if (window.bench.at > 0) window.bench.gaps.push(now - window.bench.at);
  window.bench.at = now;
  window.bench.handle = requestAnimationFrame(frame);
})(performance.now());`;
const endObserving = `cancelAnimationFrame(window.bench.handle), window.bench.observer.disconnect(),
  ({ gaps: window.bench.gaps, dots: window.bench.dots })`;

const machine = describeMachine();
ensurePages();
const server = await openSeededServer();
const browser = await openBrowser(process.env.CHROMIUM ?? '/usr/bin/chromium');
try {
  const rollout = await server.seed(taskCount);
  const { page } = await browser.openSession(server.url);
  await page.goto(await server.signInUrl());
  await page.getByRole('heading', { name: 'Services' }).waitFor();
  const openedAt = performance.now();
  await page.goto(`${server.url}/rollouts/${rollout.id}`);
  await page.locator(`[data-index="${taskCount - 1}"]`).waitFor();
  const firstDotsMs = Math.round(performance.now() - openedAt);
  const busy = await measureBusy(page, server, rollout);
  const idle = await measureIdle(page);
  const isGood = busy.framesPerSecond > limits.framesPerSecond && idle.browserPercent < limits.idlePercent;
  const result = { tasks: taskCount, dotsPerDelta, limits, isGood, firstDotsMs, busy, idle };
  console.log(`${taskCount} tasks: ${firstDotsMs} ms until all dots are there`);
  console.log(
    `busy: ${busy.framesPerSecond} frames/s while ${busy.deltasPerSecond} deltas/s change ${busy.dotsPerSecond} dots/s; longest frame ${busy.longestFrameMs} ms`,
  );
  console.log(
    `idle: ${idle.browserPercent} % of one core in all of Chromium, ${idle.pagePercent} % of the time in the page's main thread`,
  );
  console.log(`wrote ${writeResult('web-frames', { ...result, machine })}`);
  process.exitCode = isGood ? 0 : 1;
} finally {
  await browser.close();
  await server.close();
}

async function measureBusy(page: Page, { store, tell }: SeededServer, { job, tasks }: SeededRollout) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  await page.evaluate(observe);
  const before = await mainThreadSeconds(cdp);
  const startedAt = performance.now();
  let deltas = 0;
  for (let at = 0; performance.now() - startedAt < busyMs; at += dotsPerDelta) {
    const turnAt = performance.now();
    await store.transaction(async (tx) => {
      for (let i = 0; i < dotsPerDelta; i++) {
        const task = tasks[(at + i) % tasks.length];
        if (task !== undefined) await saveTask(tx, job, moved(task, Math.floor((at + i) / tasks.length)));
      }
    });
    await tell(job);
    deltas += 1;
    await sleep(Math.max(0, deltaEveryMs - (performance.now() - turnAt)));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { gaps, dots } = await page.evaluate<{ gaps: number[]; dots: number }>(endObserving);
  const sorted = [...gaps].sort((a, b) => a - b);
  return {
    framesPerSecond: round(gaps.length / seconds),
    medianFrameMs: round(median(gaps)),
    p95FrameMs: round(sorted[Math.floor(sorted.length * 0.95)] ?? 0),
    longestFrameMs: round(sorted.at(-1) ?? 0),
    deltasPerSecond: round(deltas / seconds),
    dotsPerSecond: Math.round(dots / seconds),
    mainThreadPercent: round((((await mainThreadSeconds(cdp)) - before) / seconds) * 100),
    seconds: round(seconds),
  };
}

/** It goes to the other version and back, by way of starting. */
function moved(task: TaskFacts, round: number): TaskFacts {
  if (task.current === undefined) return task;
  const state = round % 3 === 0 ? ('starting' as const) : ('serving' as const);
  const version = round % 3 === 2 ? oldVersion : newVersion;
  return { ...task, current: { ...task.current, state, version } };
}

async function measureIdle(page: Page) {
  const ofPage = await page.context().newCDPSession(page);
  await ofPage.send('Performance.enable');
  const ofBrowser = await page.context().browser()!.newBrowserCDPSession();
  await sleep(2000);
  const [pageBefore, browserBefore] = [await mainThreadSeconds(ofPage), await browserSeconds(ofBrowser)];
  const startedAt = performance.now();
  await sleep(idleMs);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    browserPercent: round((((await browserSeconds(ofBrowser)) - browserBefore) / seconds) * 100),
    pagePercent: round((((await mainThreadSeconds(ofPage)) - pageBefore) / seconds) * 100),
    seconds: round(seconds),
  };
}

async function mainThreadSeconds(cdp: CDPSession): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
}

/** Processor time of every process of the browser. */
async function browserSeconds(cdp: CDPSession): Promise<number> {
  const { processInfo } = await cdp.send('SystemInfo.getProcessInfo');
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
