import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { measureOnce, printedNumber } from './measure.ts';

const node = (script: string) => [process.execPath, '-e', script];

describe('T1 one run of a command', () => {
  it.each([
    ['requests_per_second 812.5', 812.5],
    ['requests_per_second: 7\nrequests_per_second: 9', 9],
    ['  requests_per_second = 1e3 ', 1000],
    ['requests_per_second=-2', -2],
    ['requests_per_second_max 3', undefined],
    ['requests_per_second many', undefined],
    ['', undefined],
  ])('%j', (output, number) => expect(printedNumber(output, 'requests_per_second')).toBe(number));

  it('processor time counts children, and not waiting', async () => {
    const spin = 'const end = process.cpuUsage().user + 300000; while (process.cpuUsage().user < end);';
    const nested = `require('node:child_process').execFileSync(process.execPath, ['-e', ${JSON.stringify(spin)}]);
      setTimeout(() => {}, 300)`;
    const cpu = await measureOnce(node(nested), tmpdir(), 'cpu');
    expect(cpu).toMatchObject({ ok: true });
    if (!cpu.ok) return;
    expect(cpu.value).toBeGreaterThanOrEqual(0.29);
    expect(cpu.seconds).toBeGreaterThan(0.59);
  });

  it('what fails says why', async () => {
    expect(await measureOnce(['/nowhere/at/all'], tmpdir(), 'time')).toMatchObject({ ok: false });
    const failed = await measureOnce(node('console.log("out of luck"); process.exit(3)'), tmpdir(), 'time');
    expect(failed).toMatchObject({ ok: false, why: expect.stringMatching(/code 3: out of luck/) });
    const silent = await measureOnce(node('console.log("nothing here")'), tmpdir(), { output: 'rps' });
    expect(silent).toMatchObject({ ok: false, why: expect.stringContaining('printed no line such as "rps 123.4"') });
  });
});
