import { get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Output } from './output.ts';
import type { Probe } from './spec.ts';

const firstPauseMs = 50;
const longestPauseMs = 500;
const tryMs = 2000;
const maxAnswerChars = 1000;

/** The newest request and answer of a probe, for the failure card. */
export interface ProbeTrace {
  request: string;
  answer: string;
}

/** Resolves true when the task is ready, false when the signal ended the wait. Keeps `trace` up to date. */
export async function waitUntilReady(
  probe: Probe,
  output: Output,
  trace: ProbeTrace,
  signal: AbortSignal,
): Promise<boolean> {
  if (probe.kind === 'running') return await waitWhileRunning(probe.afterMs, trace, signal);
  if (probe.kind === 'log') return await waitForLine(probe.contains, output, trace, signal);
  trace.request = probe.kind === 'http' ? `GET http://${at(probe)}${probe.path}` : `connect to ${at(probe)}`;
  trace.answer = 'not asked yet';
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    const { isReady, answer } = probe.kind === 'http' ? await tryHttp(probe, signal) : await tryTcp(probe);
    if (isReady) return true;
    // The wait's own end is not the service's answer.
    if (!signal.aborted) trace.answer = answer;
    await pause(pauseMs, signal);
  }
  return false;
}

/** Asked once: of a task that serves. Undefined: its readiness is nothing that can be asked. */
export async function askReadiness(probe: Probe, deadlineMs: number): Promise<boolean | undefined> {
  if (probe.kind !== 'http' && probe.kind !== 'tcp') return undefined;
  const asked = probe.kind === 'http' ? tryHttp(probe, AbortSignal.timeout(deadlineMs)) : tryTcp(probe, deadlineMs);
  return (await asked).isReady;
}

interface Answer {
  readonly isReady: boolean;
  readonly answer: string;
}

async function tryHttp(probe: Extract<Probe, { kind: 'http' }>, signal: AbortSignal): Promise<Answer> {
  return await new Promise((resolve) => {
    const until = AbortSignal.any([signal, AbortSignal.timeout(tryMs)]);
    const { host, port, path } = probe;
    const request = get({ host, port, path, agent: false, signal: until }, (response) => {
      const status = response.statusCode ?? 0;
      const isReady = status >= 200 && status < 400;
      let body = '';
      const finish = (): void => {
        resolve({ isReady, answer: `${status} ${response.statusMessage ?? ''}\n${body}`.trim() });
        response.destroy();
      };
      if (isReady) return finish();
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body = (body + text).slice(0, maxAnswerChars);
        if (body.length >= maxAnswerChars) finish();
      });
      response.once('close', finish);
      response.on('error', finish);
    });
    request.once('error', (error: NodeJS.ErrnoException) => {
      const answer = error.name === 'TimeoutError' ? `no answer within ${tryMs} ms` : (error.code ?? error.message);
      resolve({ isReady: false, answer });
    });
  });
}

async function tryTcp({ host, port }: Extract<Probe, { kind: 'tcp' }>, withinMs = tryMs): Promise<Answer> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: withinMs });
    const finish = (isReady: boolean, answer: string): void => {
      socket.destroy();
      resolve({ isReady, answer });
    };
    socket.once('connect', () => finish(true, 'connected'));
    socket.once('timeout', () => finish(false, `no connection within ${withinMs} ms`));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(false, error.code ?? error.message));
  });
}

async function waitForLine(contains: string, output: Output, trace: ProbeTrace, signal: AbortSignal): Promise<boolean> {
  trace.request = `a line of output that contains ${JSON.stringify(contains)}`;
  trace.answer = 'no such line';
  return await new Promise((resolve) => {
    const stop = output.follow(({ stream, text }) => {
      if (stream === 'rollway' || !text.includes(contains)) return;
      stop();
      resolve(true);
    });
    const give = (): void => {
      stop();
      resolve(false);
    };
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
}

async function waitWhileRunning(afterMs: number, trace: ProbeTrace, signal: AbortSignal): Promise<boolean> {
  trace.request = `run for ${afterMs} ms`;
  trace.answer = 'ended before that';
  await pause(afterMs, signal);
  return !signal.aborted;
}

function at({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
