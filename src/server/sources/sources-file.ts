import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { jobIdPattern } from '../../model/index.ts';

const jobId = z.string().regex(jobIdPattern, 'a job, e.g. shop@production');
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

const taskLabel = z.union([
  z.strictObject({ address: z.string().max(200) }),
  z.strictObject({ index: z.string().max(200) }),
]);

/**
 * A metric asked of a Prometheus server once per bin of the job's judge. In `promql`, `{job}`, `{service}`,
 * `{environment}` and `{bin}` (`10s`) are filled in. Each series of the answer is a task: by `instance` (its address
 * and port), or by a label that holds its index.
 */
const querySchema = z.strictObject({
  metric: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:.]{0,200}$/, 'a metric’s name'),
  jobs: z.array(jobId).min(1).max(100),
  promql: z.string().min(1).max(4000),
  /** `gauge`: a level; `events`: how many in the bin; `histogram`: the same by `le`, or a native histogram. */
  as: z.enum(['gauge', 'events', 'histogram']),
  task: taskLabel,
});

const prometheusSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/),
  url: httpUrl,
  /** A file with a bearer token. The path, never the value. */
  tokenFile: z.string().min(1).max(1000).optional(),
  /** How far behind it is: it has to scrape first. */
  lagMs: z.number().int().nonnegative().max(600_000).default(5000),
  queries: z.array(querySchema).max(200).default([]),
  /** Checks of services may ask it PromQL of their own; each series of an answer is a task, by this label. */
  ownQueries: z.strictObject({ task: taskLabel }).optional(),
});

export const sourcesFileSchema = z.strictObject({
  targets: z.array(targetSchema).max(20_000).default([]),
  prometheus: z.array(prometheusSchema).max(10).default([]),
});
export type SourcesFile = z.output<typeof sourcesFileSchema>;
export type PrometheusServer = SourcesFile['prometheus'][number];

export const noSources: SourcesFile = { targets: [], prometheus: [] };
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
