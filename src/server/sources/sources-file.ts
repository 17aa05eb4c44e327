import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';

const jobId = z.string().regex(/^[a-z][a-z0-9-]*@[a-z][a-z0-9-]*$/, 'a job, e.g. shop@production');
const httpUrl = z.url({ protocol: /^https?$/ }).max(2000);
const whole = z.number().int().nonnegative();

/** An endpoint to scrape that no agent runs beside. Without incarnation and version it is the task of that index. */
const targetSchema = z.strictObject({
  url: httpUrl,
  job: jobId,
  index: whole,
  incarnation: whole.optional(),
  version: z.string().startsWith('v_').max(100).optional(),
  labels: z.record(z.string().max(200), z.string().max(500)).default({}),
});

export const sourcesFileSchema = z.strictObject({
  targets: z.array(targetSchema).max(20_000).default([]),
});
export type SourcesFile = z.output<typeof sourcesFileSchema>;

export const noSources: SourcesFile = { targets: [] };
const maxBytes = 16 * 1024 * 1024;

/** Reads the file again whenever it changed. What cannot be read leaves what was there before, and says why. */
export function watchSourcesFile(path: string | undefined) {
  let known = noSources;
  let stamp = '';
  let problem: string | undefined;
  return {
    path,
    async read(): Promise<{ readonly sources: SourcesFile; readonly problem: string | undefined }> {
      if (path === undefined) return { sources: noSources, problem: undefined };
      try {
        const { mtimeMs, size } = await stat(path);
        if (stamp === `${mtimeMs}/${size}`) return { sources: known, problem };
        stamp = `${mtimeMs}/${size}`;
        if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
        const parsed = sourcesFileSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
        if (!parsed.success) throw new Error(z.prettifyError(parsed.error).slice(0, 500));
        known = parsed.data;
        problem = undefined;
      } catch (error) {
        problem = (error as Error).message;
      }
      return { sources: known, problem };
    },
  };
}
