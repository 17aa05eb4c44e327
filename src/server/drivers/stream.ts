import { z } from 'zod';
import { taskReportSchema } from '../../api/index.ts';
import type { JobId } from '../../model/index.ts';

const revision = z.number().int().nonnegative();
const reports = z.array(taskReportSchema).max(100_000);
const hostSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'a host is called by lower-case letters, digits and hyphens'),
  address: z.string().max(255),
  labels: z.record(z.string(), z.string()).optional(),
  capacity: z
    .strictObject({
      cpuMillis: z.number().int().nonnegative().max(2_000_000_000),
      memoryMb: z.number().int().nonnegative().max(2_000_000_000),
      maxTasks: z.number().int().nonnegative().max(1_000_000),
    })
    .optional(),
});
/** What a plug-in delivers is looked at like what comes over a wire. */
const observationSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hosts'), hosts: z.array(hostSchema).max(10_000) }),
  z.strictObject({ kind: z.literal('snapshot'), host: z.string(), revision, tasks: reports }),
  z.strictObject({ kind: z.literal('delta'), host: z.string(), revision, tasks: reports }),
  z.strictObject({ kind: z.literal('heartbeat'), hosts: z.array(z.string()).max(10_000) }),
]);
export type Said = z.infer<typeof observationSchema>;

/** One stream of a driver's observations: its hosts, of each a snapshot, then deltas in order, all about one job. */
export function openStream(job: JobId): { take(observation: unknown): Said } {
  const revisions = new Map<string, number>();
  let names: ReadonlySet<string> | undefined;
  const known = (host: string): void => {
    if (names === undefined) throw new Error('its hosts come first');
    if (!names.has(host)) throw new Error(`it speaks of ${host}, which is none of its hosts`);
  };
  return {
    take(observation) {
      const parsed = observationSchema.safeParse(observation);
      if (!parsed.success) throw new Error(`it is no observation: ${z.prettifyError(parsed.error).slice(0, 300)}`);
      const said = parsed.data;
      if (said.kind === 'hosts') {
        names = new Set(said.hosts.map(({ name }) => name));
        if (names.size < said.hosts.length) throw new Error('it names a host twice');
        return said;
      }
      if (said.kind === 'heartbeat') {
        for (const host of said.hosts) known(host);
        return said;
      }
      known(said.host);
      const before = revisions.get(said.host);
      if (said.kind === 'delta' && before === undefined) throw new Error(`a snapshot of ${said.host} comes first`);
      if (before !== undefined && said.revision <= before) {
        throw new Error(`revision ${said.revision} of ${said.host} does not follow ${before}`);
      }
      const foreign = said.tasks.find((task) => task.job !== job || task.host !== said.host);
      if (foreign !== undefined) {
        const { job: other, index, host } = foreign;
        throw new Error(`in what ${said.host} has of ${job} it speaks of ${other}/${index} on ${host}`);
      }
      revisions.set(said.host, said.revision);
      return said;
    },
  };
}
