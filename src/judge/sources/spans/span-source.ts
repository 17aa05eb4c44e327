import {
  type JobId,
  type Sample,
  type SourceTrouble,
  spanMetric,
  spanParts,
  type TaskIndex,
} from '../../../model/index.ts';
import type { Collected, KnownTask, MetricSource, SourceFinding, TaskBook } from '../../index.ts';
import { type OtlpResourceSpans, type OtlpSpan, spanKinds } from '../otlp/index.ts';
import type { Meant, Taken } from '../push.ts';
import type { BrokenDown, TimedSpan } from './break-down.ts';
import { ComponentChoice } from './component-choice.ts';
import { componentOf } from './component-name.ts';
import { laidOut, spanBounds } from './span-ladder.ts';
import { TraceBuffer } from './trace-buffer.ts';

/** What is handed in of one task; undefined: the resource does not say whose it is. */
export interface PushedSpans {
  readonly meant: Meant | undefined;
  readonly spans: OtlpResourceSpans['spans'];
}

export interface SpanSource extends MetricSource {
  /** `mayPush` says whether the token may speak for a task. */
  take(given: readonly PushedSpans[], nowMs: number, mayPush: (job: JobId, index: TaskIndex) => boolean): Taken;
}

export interface SpanOptions {
  readonly book: TaskBook;
  /** Of the sample store. */
  readonly binMs: number;
  /** Spans that wait for the others of their request, of all tasks together. */
  readonly maxSpans?: number;
}

/** Spans that ended longer ago tell of another time; clocks of hosts may differ by as much, since they are not compared. */
const oldestMs = 60_000;
/** What lasts longer is no request. */
const longestUs = 3_600_000_000;
const maxReasons = 5;
const stranger = 'a stranger';
const nobody = 'the resource names no task: set rollway.job and rollway.index (tasks of the fleet have them)';

interface Held {
  task: KnownTask;
  readonly traces: TraceBuffer;
}

/**
 * Spans, turned into how long requests of a task were in each of its components: histograms under one name, with the
 * component as a label. Only what was handed in of the same process is put together, and only the time within a
 * request is read: neither clocks of two hosts nor how many requests were sampled make a difference.
 */
export function spanSource({ book, binMs, maxSpans = 300_000 }: SpanOptions): SpanSource {
  const held = new Map<string, Held>();
  const choices = new Map<JobId, ComponentChoice>();
  let waiting = 0;
  let findings: SourceFinding[] = [];
  const tell = (subject: string, trouble: SourceTrouble, what: string): string => {
    const sentence = `Of the spans of ${subject}: ${what}.`;
    const isOfSomebody = subject !== stranger;
    if (isOfSomebody && findings.length < 1000) findings.push({ source: 'spans', subject, trouble, sentence });
    return sentence;
  };
  const holderOf = (task: KnownTask): Held => {
    const key = `${task.job}/${task.index}/${task.incarnation}`;
    const known = held.get(key) ?? { task, traces: new TraceBuffer() };
    known.task = task;
    held.set(key, known);
    return known;
  };

  return {
    name: 'spans',
    take(given, nowMs, mayPush) {
      let kept = 0;
      const refused = new Map<string, { readonly subject: string; readonly trouble: SourceTrouble; count: number }>();
      const refuse = (subject: string, trouble: SourceTrouble, what: string, count = 1) => {
        const key = `${subject}\n${what}`;
        const known = refused.get(key) ?? { subject, trouble, count: 0 };
        known.count += count;
        refused.set(key, known);
      };
      for (const { meant, spans } of given) {
        const subject = subjectOf(meant);
        const task = meant && findTask(book, meant, spans, nowMs);
        if (!task || !mayPush(task.job, task.index)) {
          const what = task ? 'the token is for other tasks' : 'no such task runs here';
          refuse(subject, 'unknown-task', meant === undefined ? nobody : what, spans.length);
          continue;
        }
        const { traces } = holderOf(task);
        for (const span of spans) {
          const trouble = troubleOf(span, nowMs);
          if (trouble) refuse(subject, ...trouble);
          else if (waiting >= maxSpans)
            refuse(subject, 'refused', 'more are handed in than can be held; sample the traces');
          else {
            const before = traces.size;
            const added = traces.add(span.traceId, timed(span), nowMs);
            waiting += traces.size - before;
            if (added === 'too-large') refuse(subject, 'refused', 'a trace has more than 512 spans in one process');
            else kept += 1;
          }
        }
      }
      const reasons = [...refused].map(([key, { subject, trouble, count }]) =>
        tell(subject, trouble, `${key.slice(subject.length + 1)} (${count} ${count === 1 ? 'span' : 'spans'})`),
      );
      const count = [...refused.values()].reduce((sum, one) => sum + one.count, 0);
      return { kept, refused: count, reasons: reasons.slice(0, maxReasons) };
    },

    async collect(edgeMs): Promise<Collected> {
      const whole: { readonly task: KnownTask; readonly requests: readonly BrokenDown[] }[] = [];
      for (const [key, { task, traces }] of held) {
        const before = traces.size;
        const requests = traces.take(edgeMs);
        waiting += traces.size - before;
        if (traces.isEmpty) held.delete(key);
        // What a task tells after another one has taken its place is of a time when it was stopped.
        const now = book.find({ job: task.job, index: task.index }, edgeMs);
        if (requests.length > 0 && now?.incarnation === task.incarnation) whole.push({ task: now, requests });
      }
      const jobs = new Set<JobId>();
      for (const { task, requests } of whole) {
        const choice = choices.get(task.job) ?? new ComponentChoice();
        choices.set(task.job, choice);
        jobs.add(task.job);
        for (const { components, selfUs } of requests) choice.add(task.version, components, selfUs);
      }
      for (const job of jobs) {
        const { isFull } = choices.get(job)!.choose(edgeMs);
        if (isFull)
          tell(`${job}/spans`, 'too-many-series', 'their names have no end; name them by what is called, not by ids');
      }
      const samples = whole.flatMap(({ task, requests }) =>
        samplesOf(task, requests, choices.get(task.job)!, edgeMs, binMs),
      );
      const collected = { samples, findings };
      findings = [];
      return collected;
    },
  };
}

function subjectOf(meant: Meant | undefined): string {
  if (meant === undefined) return stranger;
  return 'address' in meant ? meant.address.slice(0, 100) : `${meant.job}/${meant.index}`;
}

function findTask(book: TaskBook, meant: Meant, spans: readonly OtlpSpan[], nowMs: number): KnownTask | undefined {
  const fromMs = spans.reduce((least, { startUs }) => Math.min(least, startUs / 1000), nowMs);
  return 'address' in meant ? book.findByAddress(meant.address, fromMs) : book.find(meant, fromMs);
}

function troubleOf({ traceId, spanId, startUs, endUs }: OtlpSpan, nowMs: number): [SourceTrouble, string] | undefined {
  if (!/^[0-9a-f]{32}$/.test(traceId) || !/^[0-9a-f]{16}$/.test(spanId)) return ['unreadable', 'ids that are none'];
  if (!(endUs >= startUs) || endUs - startUs > longestUs)
    return ['unreadable', 'they end before they start, or last for hours'];
  const agoMs = nowMs - endUs / 1000;
  if (agoMs > oldestMs) return ['clock', `they ended more than ${oldestMs / 1000} s ago`];
  return agoMs < -oldestMs ? ['clock', 'they end in the future'] : undefined;
}

function timed(span: OtlpSpan): TimedSpan {
  const { spanId, parentId, kind, startUs, endUs } = span;
  const isEntry = kind === spanKinds.server || kind === spanKinds.consumer;
  return { id: spanId, parentId, isEntry, startUs, endUs, component: componentOf(span) };
}

/** All times of one bin of one task: the whole, itself, and each component, those without a name together. */
function samplesOf(
  task: KnownTask,
  requests: readonly BrokenDown[],
  choice: ComponentChoice,
  edgeMs: number,
  binMs: number,
): Sample[] {
  const times = new Map<string, number[]>();
  const add = (component: string, us: number) => {
    const list = times.get(component);
    if (list) list.push(us);
    else times.set(component, [us]);
  };
  for (const { components, selfUs, requestUs } of requests) {
    add(spanParts.request, requestUs);
    add(spanParts.self, selfUs);
    let otherUs: number | undefined;
    for (const [name, us] of components) {
      if (choice.isChosen(name)) add(name, us);
      else otherUs = (otherUs ?? 0) + us;
    }
    if (otherUs !== undefined) add(spanParts.other, Math.min(otherUs, requestUs));
  }
  const { job, index, incarnation, version, state } = task;
  return [...times].map(([component, list]) => ({
    ...{ job, index, incarnation, version, state, metric: spanMetric, labels: { ...task.labels, component } },
    ...{ fromMs: edgeMs - binMs, toMs: edgeMs },
    value: { histogramDelta: { bounds: spanBounds, ...laidOut(list) } },
  }));
}
