import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { PerfMeasure } from '../../model/index.ts';

const maxOutputChars = 256 * 1024;
/** In /proc: ticks of a hundredth of a second, whatever the kernel's own clock. */
const ticksPerSecond = 100;

/** One run of the command: the number asked for, or why there is none. */
export type Measured =
  | { readonly ok: true; readonly value: number; readonly seconds: number }
  | { readonly ok: false; readonly why: string };

/** Runs a command once in a folder and measures it; its output passes through to ours. */
export async function measureOnce(command: readonly string[], cwd: string, measure: PerfMeasure): Promise<Measured> {
  const [program = '', ...args] = command;
  const cpuBefore = childSeconds();
  const begunAt = process.hrtime.bigint();
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    output = (output + text).slice(-maxOutputChars);
  });
  const end = await new Promise<{ code: number | null; signal: string | null; error?: Error }>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const seconds = Number(process.hrtime.bigint() - begunAt) / 1e9;
  if (end.error) return { ok: false, why: `it cannot be started: ${end.error.message}` };
  if (end.code !== 0) {
    const how = end.signal === null ? `code ${end.code}` : end.signal;
    return { ok: false, why: `it ended with ${how}: ${output.slice(-2000)}` };
  }
  if (measure === 'time') return { ok: true, value: seconds, seconds };
  if (measure === 'cpu') return { ok: true, value: childSeconds() - cpuBefore, seconds };
  const value = printedNumber(output, measure.output);
  if (value === undefined)
    return { ok: false, why: `it printed no line such as "${measure.output} 123.4": ${output.slice(-500)}` };
  return { ok: true, value, seconds };
}

/** The number of the last line that says `<name> <number>`, `<name>: <number>` or `<name>=<number>`. */
export function printedNumber(output: string, name: string): number | undefined {
  let found: number | undefined;
  for (const line of output.split('\n')) {
    const said = line.trim();
    if (!said.startsWith(name)) continue;
    const [, number] = /^\s*[:=\s]\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\b/.exec(said.slice(name.length)) ?? [];
    if (number !== undefined && Number.isFinite(Number(number))) found = Number(number);
  }
  return found;
}

/** Processor time of all children that have ended and theirs, in seconds (`cutime` and `cstime` of proc(5)). */
function childSeconds(): number {
  const text = readFileSync('/proc/self/stat', 'utf8');
  // The name in brackets may hold anything; the numbers stand after its end.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}
