import type { JobId, Sample, SourceTrouble, TaskIndex } from '../../model/index.ts';
import {
  type Collected,
  type KnownTask,
  type MetricSource,
  type PushedPoint,
  PushMemory,
  type Refusal,
  type SourceFinding,
  type TaskBook,
} from '../index.ts';

/** Whose the points are, as whoever hands them in says. */
export type Meant =
  | { readonly job: JobId; readonly index: TaskIndex; readonly incarnation?: number | undefined }
  | { readonly address: string };

export interface PushedTask {
  readonly meant: Meant;
  readonly points: readonly PushedPoint[];
}

/** What became of what was handed in. */
export interface Taken {
  readonly kept: number;
  readonly refused: number;
  /** The first few reasons. */
  readonly reasons: readonly string[];
}

export interface PushSource extends MetricSource {
  /** `mayPush` says whether the token may speak for a task. */
  take(tasks: readonly PushedTask[], nowMs: number, mayPush: (job: JobId, index: TaskIndex) => boolean): Taken;
}

export interface PushOptions {
  readonly name?: string;
  readonly book: TaskBook;
  /** Of the sample store. */
  readonly binMs: number;
  readonly lateBins: number;
  /** Width of the bins in which a job is judged. */
  readonly judgeBinMsOf: (job: JobId) => number;
}

const maxWaiting = 200_000;
const maxReasons = 5;
/** Incarnations remembered at most; the longest silent go first. */
const maxMemories = 20_000;

/** Metrics that tasks hand in themselves. */
export function pushSource(options: PushOptions): PushSource {
  const { book, binMs, lateBins, judgeBinMsOf, name = 'push' } = options;
  const memories = new Map<string, PushMemory>();
  let samples: Sample[] = [];
  let findings: SourceFinding[] = [];

  const memoryOf = ({ job, index, incarnation }: KnownTask): PushMemory => {
    const key = `${job}/${index}/${incarnation}`;
    const memory = memories.get(key) ?? new PushMemory();
    memories.delete(key);
    memories.set(key, memory);
    if (memories.size > maxMemories) memories.delete(memories.keys().next().value!);
    return memory;
  };
  const tell = (subject: string, trouble: SourceTrouble, what: string): string => {
    const sentence = `What ${subject} hands in: ${what}.`;
    if (findings.length < 1000) findings.push({ source: name, subject, trouble, sentence });
    return sentence;
  };

  return {
    name,
    take(tasks, nowMs, mayPush) {
      let kept = 0;
      let refused = 0;
      const reasons = new Set<string>();
      const refuse = (subject: string, { trouble, what }: Refusal, count = 1) => {
        refused += count;
        const sentence = tell(subject, trouble, what);
        if (reasons.size < maxReasons) reasons.add(sentence);
      };
      for (const { meant, points } of tasks) {
        // What is older is refused for that; a jump of the clock is not a stranger.
        const oldestMs = nowMs - lateBins * binMs;
        const fromMs = Math.max(
          oldestMs,
          points.reduce((least, { atMs }) => Math.min(least, atMs), nowMs),
        );
        const task = 'address' in meant ? book.findByAddress(meant.address, fromMs) : book.find(meant, fromMs);
        const subject = 'address' in meant ? meant.address.slice(0, 100) : `${meant.job}/${meant.index}`;
        if (!task || !mayPush(task.job, task.index)) {
          const what = task ? 'the token is for other tasks' : 'no such task runs here';
          refuse(subject, { trouble: 'unknown-task', what }, points.length);
          continue;
        }
        const memory = memoryOf(task);
        const rules = { nowMs, judgeBinMs: judgeBinMsOf(task.job), latenessMs: lateBins * binMs };
        for (const point of points) {
          const value = memory.take(point, rules);
          if (value !== undefined && 'trouble' in value) refuse(subject, value);
          else if (value === undefined || samples.length < maxWaiting) {
            kept += 1;
            if (value !== undefined) samples.push(sampleOf(task, point, value, Math.min(point.atMs, nowMs), binMs));
          } else refuse(subject, { trouble: 'refused', what: 'more is handed in than can be taken' });
        }
      }
      return { kept, refused, reasons: [...reasons] };
    },
    async collect(): Promise<Collected> {
      const collected = { samples, findings };
      samples = [];
      findings = [];
      return collected;
    },
  };
}

/** In the bin in which it ends: what is handed in less often than that fills one bin of several. */
function sampleOf(task: KnownTask, point: PushedPoint, value: Sample['value'], atMs: number, binMs: number): Sample {
  const { job, index, incarnation, version, state } = task;
  const bin = Math.ceil(atMs / binMs) - 1;
  const labels = { ...task.labels, ...point.labels };
  const times = { fromMs: bin * binMs, toMs: (bin + 1) * binMs };
  return { job, index, incarnation, version, state, labels, metric: point.metric, ...times, value };
}
