import { setTimeout as sleep } from 'node:timers/promises';
import type { FailureCard } from '../../model/index.ts';
import type { Guard } from './guard.ts';
import { beginLife, type Exit, type Life } from './life.ts';
import type { Output } from './output.ts';
import { type ProbeTrace, waitUntilReady } from './probe.ts';
import { decideRestart } from './restart.ts';
import type { KeeperSpec, TaskWork } from './spec.ts';
import type { StateFile } from './state.ts';

const keptEnds = 20;
const cardLines = 40;

export interface Keeping {
  readonly spec: KeeperSpec;
  readonly output: Output;
  readonly guard: Guard;
  readonly state: StateFile;
  /** Aborted: end in order. */
  readonly stop: AbortSignal;
}

/** Keeps a task alive, life after life, until it is told to stop. */
export async function runTask(keeping: Keeping, work: TaskWork): Promise<void> {
  const { state, stop } = keeping;
  for (let life = work.firstLife; ; life++) {
    const isLooping = state.current.phase === 'crash-looping';
    state.change({ life, main: null, ...(isLooping ? {} : { phase: 'starting' }) });
    const end = await runLife(keeping, work, isLooping);
    if (end === 'stopped') break;
    const ends = [...state.current.ends, { life, atMs: Date.now(), ...end }].slice(-keptEnds);
    const { waitMs, isCrashLooping } = decideRestart(ends, work.restart, Date.now());
    state.change({ ends, main: null, phase: isCrashLooping ? 'crash-looping' : 'failed' });
    await sleep(waitMs, undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) break;
  }
  state.change({ phase: 'stopped', main: null });
}

interface Ended {
  readonly wasServing: boolean;
  readonly failure: FailureCard;
}

async function runLife(keeping: Keeping, work: TaskWork, isLooping: boolean): Promise<Ended | 'stopped'> {
  const { spec, output, guard, state, stop } = keeping;
  const trace: ProbeTrace = { request: '', answer: '' };
  const life = beginLife(work.command, spec, output, guard);
  state.change({ main: life.main ?? null });

  const probing = new AbortController();
  const becomesReady = waitUntilServing(keeping, work, trace, isLooping, probing.signal);
  const isStopped = whenAborted(stop);
  const deadline = sleep(work.readyDeadlineMs, 'late' as const, { signal: probing.signal }).catch(
    () => 'never' as const,
  );
  const first = await Promise.race([
    life.ended,
    isStopped,
    becomesReady.then((isReady) => (isReady ? ('ready' as const) : new Promise<never>(() => {}))),
    deadline.then((what) => (what === 'late' ? what : new Promise<never>(() => {}))),
  ]);
  probing.abort();

  if (first === 'late') {
    const failure = card(output, notReady(work), { reason: 'not-ready', probe: { ...trace } });
    await endInOrder(life, work.stop);
    return { wasServing: false, failure };
  }
  if (first === 'ready') {
    state.change({ phase: 'serving' });
    const second = await Promise.race([life.ended, isStopped]);
    if (second !== 'stop') return { wasServing: true, failure: exitCard(output, second, spec) };
  } else if (first !== 'stop') {
    const probe = trace.request === '' ? undefined : { ...trace };
    return { wasServing: false, failure: { ...exitCard(output, first, spec), ...(probe && { probe }) } };
  }
  state.change({ phase: 'stopping' });
  await endInOrder(life, work.stop);
  return 'stopped';
}

/** Ready, and – when it was crash-looping – still ready a while later. */
async function waitUntilServing(
  { output }: Keeping,
  work: TaskWork,
  trace: ProbeTrace,
  isLooping: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(await waitUntilReady(work.probe, output, trace, signal))) return false;
  if (isLooping) await sleep(work.restart.settleMs, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}

/** The service's signal, its grace, then SIGKILL to everybody. */
export async function endInOrder(
  life: Life,
  stop: { readonly signal: NodeJS.Signals; readonly graceMs: number },
): Promise<void> {
  life.signal(stop.signal);
  const grace = new AbortController();
  const isOver = sleep(stop.graceMs, 'over' as const, { signal: grace.signal }).catch(() => 'over' as const);
  if ((await Promise.race([life.ended, isOver])) === 'over') life.kill();
  await life.ended;
  grace.abort();
}

export function exitCard(output: Output, exit: Exit, spec: KeeperSpec): FailureCard {
  if (exit.cannotStart !== undefined) {
    return card(output, `It could not be started: ${exit.cannotStart}`, { reason: 'cannot-start' });
  }
  const facts = {
    ...(exit.code !== null && { exitCode: exit.code }),
    ...(exit.signal !== null && { signal: exit.signal }),
  };
  if (exit.isOutOfMemory) {
    const limit = spec.cgroup ? ' of its limit' : '';
    return card(output, `It needed more memory than it may use${limit}`, { reason: 'out-of-memory', ...facts });
  }
  const how = exit.signal === null ? `with exit code ${exit.code}` : `by ${exit.signal}`;
  return card(output, `It ended ${how}`, { reason: 'exited', ...facts });
}

function notReady({ readyDeadlineMs }: TaskWork): string {
  return `It was not ready within ${readyDeadlineMs / 1000} s`;
}

function card(output: Output, summary: string, facts: Omit<FailureCard, 'summary' | 'lastLogLines'>): FailureCard {
  const lastLogLines = output.last(cardLines).map(({ text }) => text.slice(0, 2000));
  return { summary: summary.slice(0, 2000), lastLogLines, ...facts };
}

async function whenAborted(signal: AbortSignal): Promise<'stop'> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return 'stop';
}
