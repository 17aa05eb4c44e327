// Set-up of every project: a test file that leaves processes behind fails, and they are killed.
// Linux only: elsewhere it does nothing.
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';

const graceMs = 3000;
const hasProc = existsSync('/proc/self/environ');

// Children inherit the environment, so the mark finds them also after their parent has ended.
const mark = `ROLLWAY_TEST_MARK=${randomUUID()}`;
process.env.ROLLWAY_TEST_MARK = mark.split('=')[1];

// Registered first, so it runs last: after the file's own clean-up.
afterAll(async () => {
  if (!hasProc) return;
  const deadline = Date.now() + graceMs;
  let left = findLeft();
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(50);
    left = findLeft();
  }
  if (left.length === 0) return;
  const list = left.map((pid) => `  ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`).join('\n');
  for (const pid of left) kill(pid);
  throw new Error(`this test file left ${left.length} process(es) behind:\n${list}`);
}, graceMs + 5000);

function findLeft(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && !isZombie(pid))
    .filter((pid) => read(`/proc/${pid}/environ`).includes(mark));
}

function isZombie(pid: number): boolean {
  return /^State:\s*Z/m.test(read(`/proc/${pid}/status`));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // gone meanwhile, or not ours
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone meanwhile
  }
}
