import type { z } from 'zod';
import type { logChunkSchema, OrderAck, Reports, SampleOnWire, TailAnswer } from '../../api/index.ts';
import { findForeignTask } from '../../fleet/read.ts';
import { findHostOfRun, planIntake } from '../../fleet/work.ts';
import type { AppendCount, SourceFinding } from '../../judge/index.ts';
import type { ActionRunId, HostId, JobId, Sample, TaskReport } from '../../model/index.ts';
import { ProblemError } from '../../model/index.ts';
import { refuse } from '../errors.ts';
import { gunzip, parseBody, valueOrThrow } from './body.ts';
import type { AgentContext } from './context.ts';
import { refuseForeign } from './foreign.ts';
import * as schemas from './schemas.ts';

const maxUnpackedSamplesBytes = 32 * 1024 * 1024;

/** A batch of reports; one with nothing in it is a heartbeat and writes nothing. */
export async function takeReports(context: AgentContext, host: HostId, batch: Reports): Promise<undefined> {
  if (batch.host !== host) return refuseForeign(context, host, `reports as ${batch.host}`);
  if (context.absent.has(host)) refuse('agent/must-ask', `${host} was given up meanwhile.`, { host });
  const { atMs, freeDiskRatio, tasks, actions, begun, snapshot } = batch;
  context.heard.mark(host, freeDiskRatio);
  if (snapshot || tasks.length + actions.length + begun.length > 0) {
    const addition = await context.store.read((tx) => planIntake(tx, batch, context.clock.nowMs()));
    if (!addition.ok) {
      if (addition.error.code === 'agent/foreign-host')
        await refuseForeign(context, host, String(addition.error.facts.foreign));
      throw new ProblemError(addition.error);
    }
    await context.engine.append(addition.value);
    const kind = snapshot ? 'snapshot' : 'delta';
    await context.driver.deliver({ kind, host, revision: batch.batch, tasks: tasks as readonly TaskReport[] });
  }
  await context.driver.deliver({ kind: 'heartbeat', host, report: { host, atMs, freeDiskRatio, packages: [] } });
  return undefined;
}

export async function takeOrderAck(context: AgentContext, host: HostId, ack: OrderAck): Promise<undefined> {
  if (ack.host !== host) return refuseForeign(context, host, `acknowledgements as ${ack.host}`);
  context.book.acknowledge(host, ack);
  return undefined;
}

/** Samples of the host's own tasks; a batch taken before is dropped. */
export async function takeSamples(
  context: AgentContext,
  host: HostId,
  body: Uint8Array,
  encoding: string | undefined,
): Promise<{ kept: number; late: number; refused: number }> {
  const plain = encoding === 'gzip' ? valueOrThrow(gunzip(body, maxUnpackedSamplesBytes)) : body;
  const batch = valueOrThrow(parseBody(plain, schemas.samplesBatch));
  if (batch.host !== host) await refuseForeign(context, host, `samples as ${batch.host}`);
  if (batch.batch <= (context.sampleBatches.get(host) ?? -1)) return { kept: 0, late: 0, refused: 0 };
  const foreign = await findForeign(context, host, batch.samples);
  if (foreign !== undefined) await refuseForeign(context, host, `samples of ${foreign}`);
  context.sampleBatches.set(host, batch.batch);
  const count = context.sampleStore.append(batch.samples.map(sampleOf), context.clock.nowMs());
  context.sourceFindings.add(findingsOf(host, batch, count), context.clock.nowMs());
  return count;
}

/** What the agent says of its own tasks' metrics, and what the store did not take. */
function findingsOf(
  host: HostId,
  { samples, findings }: z.infer<typeof schemas.samplesBatch>,
  { refused, late }: AppendCount,
): SourceFinding[] {
  const own = new Set(samples.map(({ job, index }) => `${job}/${index}`));
  const told = findings.flatMap(({ job, index, trouble, what }): SourceFinding[] => {
    const subject = `${job}/${index}`;
    return own.has(subject)
      ? [{ source: 'scrape', subject, trouble, sentence: `The metrics of ${subject}: ${what}.` }]
      : [];
  });
  const sentence = `${refused} samples from ${host} were refused: too many series, or no readable numbers.`;
  if (refused > 0) told.push({ source: 'scrape', subject: `host/${host}`, trouble: 'refused', sentence });
  if (late > 0 && late === samples.length) {
    const when = `Samples from ${host} are of bins that have closed: its clock is behind, or the way here is slow.`;
    told.push({ source: 'scrape', subject: `host/${host}`, trouble: 'clock', sentence: when });
  }
  return told;
}

async function findForeign(
  { store }: AgentContext,
  host: HostId,
  samples: readonly SampleOnWire[],
): Promise<string | undefined> {
  const tasks = new Map<string, { job: JobId; index: number; incarnation: number }>();
  for (const { job, index, incarnation } of samples) {
    tasks.set(`${job}/${index}/${incarnation}`, { job: job as JobId, index, incarnation });
  }
  const foreign = await store.read((tx) => findForeignTask(tx, host, tasks.values()));
  return foreign && `${foreign.task} of ${foreign.owner}`;
}

/** On the wire an infinite bound is null: JSON has no infinity. */
function sampleOf(sample: SampleOnWire): Sample {
  const { value } = sample;
  if (!('histogramDelta' in value)) return sample as Sample;
  const { bounds, counts, sum } = value.histogramDelta;
  const finite = bounds.map((bound) => bound ?? Number.POSITIVE_INFINITY);
  return { ...sample, value: { histogramDelta: { bounds: finite, counts, sum } } } as Sample;
}

/** Output of an action run that was ordered from this host; gives how much of it is kept. */
export async function takeActionLog(
  context: AgentContext,
  host: HostId,
  run: string,
  chunk: z.infer<typeof logChunkSchema>,
): Promise<{ have: number }> {
  if (!/^run_[0-9a-z]{1,40}$/.test(run)) refuse('api/bad-request', 'This is not the id of an action run.');
  const id = run as ActionRunId;
  const place = await context.store.read((tx) => findHostOfRun(tx, id));
  if (place === undefined) refuse('api/not-found', `There is no action run ${run}.`, { run });
  if (place.host !== host) return refuseForeign(context, host, `output of ${run}, which runs on ${place.host}`);
  return { have: await context.actionLogs.append(id, chunk.offset, Buffer.from(chunk.text, 'utf8')) };
}

export async function takeTail(
  context: AgentContext,
  host: HostId,
  request: string,
  answer: TailAnswer,
): Promise<undefined> {
  if (!context.tails.answer(host, request, answer)) refuse('api/not-found', 'Nobody asked for these lines.');
  return undefined;
}
