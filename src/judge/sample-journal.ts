import type { JobId, Sample, TaskIndex, TaskState, VersionId } from '../model/index.ts';
import { cellsOf } from './sample-rings.ts';
import type { SampleJournal, SampleSettings } from './samples.ts';

/**
 * Closed bins as lines of JSON. A segment is readable by itself: each series is described once in it, then named by
 * its number. A line that was cut off by a kill is left out; its bin is missing.
 *
 *   {"s":7,"j":"guestbook@production","i":3,"m":"http_requests_total","l":{"code":"200"},"b":null}
 *   {"o":[3,1,"v_1234","serving"],"d":[[7,1700000000000,1700000001000,[15]], …]}
 */
const segmentMs = 10 * 60_000;

export class SampleWriter {
  readonly #journal: SampleJournal;
  readonly #settings: SampleSettings;
  readonly #open = new Map<number, Sample[]>();
  #known = new Map<string, number>();
  #segmentStartedAtMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> = Promise.resolve();

  constructor(journal: SampleJournal, settings: SampleSettings) {
    this.#journal = journal;
    this.#settings = settings;
  }

  add(bin: number, sample: Sample): void {
    const samples = this.#open.get(bin);
    if (samples) samples.push(sample);
    else this.#open.set(bin, [sample]);
  }

  /** Writes the bins below `closedBin`; one write at a time, in order. */
  write(closedBin: number, nowMs: number): Promise<void> {
    const bins = [...this.#open.keys()].filter((bin) => bin < closedBin).sort((a, b) => a - b);
    if (bins.length === 0) return this.#writing;
    const startsSegment = nowMs - this.#segmentStartedAtMs > segmentMs;
    if (startsSegment) {
      this.#segmentStartedAtMs = nowMs;
      this.#known = new Map();
    }
    let text = '';
    for (const bin of bins) {
      text += this.#linesOf(this.#open.get(bin)!);
      this.#open.delete(bin);
    }
    this.#writing = this.#writing.then(async () => {
      await this.#journal.append(text, startsSegment);
      if (startsSegment) await this.#journal.forgetBefore(nowMs - this.#settings.keepMs);
    });
    return this.#writing;
  }

  #linesOf(samples: readonly Sample[]): string {
    let lines = '';
    const byOwner = new Map<string, unknown[]>();
    for (const { job, index, incarnation, version, state, labels, metric, fromMs, toMs, value } of samples) {
      const isGauge = 'gauge' in value;
      const bounds = 'histogramDelta' in value ? value.histogramDelta.bounds.map(writeBound) : null;
      const described = JSON.stringify({ j: job, i: index, m: metric, l: labels, b: bounds, g: isGauge });
      let number = this.#known.get(described);
      if (number === undefined) {
        number = this.#known.size;
        this.#known.set(described, number);
        lines += `{"s":${number},${described.slice(1)}\n`;
      }
      const owner = JSON.stringify([incarnation, version, state]);
      const data = byOwner.get(owner) ?? [];
      byOwner.set(owner, data);
      data.push([number, fromMs, toMs, cellsOf(value)]);
    }
    for (const [owner, data] of byOwner) lines += `{"o":${owner},"d":${JSON.stringify(data)}}\n`;
    return lines;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#journal.close();
  }
}

interface Described {
  readonly j: JobId;
  readonly i: TaskIndex;
  readonly m: string;
  readonly l: Record<string, string>;
  readonly b: (number | null)[] | null;
  readonly g: boolean;
}
type Line =
  | ({ readonly s: number } & Described)
  | { readonly o: [number, VersionId, TaskState]; readonly d: [number, number, number, number[]][] };

export async function readJournal(journal: SampleJournal, take: (samples: readonly Sample[]) => void): Promise<void> {
  const known = new Map<number, Described>();
  for await (const text of journal.read()) {
    for (const line of text.split('\n')) {
      const read = readLine(line);
      if (!read) continue;
      if ('s' in read) known.set(read.s, read);
      else take(read.d.flatMap((data) => sampleOf(known.get(data[0]), read.o, data)));
    }
  }
}

function readLine(line: string): Line | undefined {
  if (!line.startsWith('{"') || !line.endsWith('}')) return undefined;
  try {
    return JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
}

function sampleOf(
  series: Described | undefined,
  [incarnation, version, state]: [number, VersionId, TaskState],
  [, fromMs, toMs, cells]: [number, number, number, number[]],
): Sample[] {
  if (!series || !Array.isArray(cells)) return [];
  const value: Sample['value'] = series.b
    ? { histogramDelta: { bounds: series.b.map(readBound), counts: cells.slice(0, -1), sum: cells.at(-1) ?? 0 } }
    : series.g
      ? { gauge: cells[0]! }
      : { counterDelta: cells[0]! };
  return [
    {
      job: series.j,
      index: series.i,
      incarnation,
      version,
      state,
      labels: series.l,
      metric: series.m,
      fromMs,
      toMs,
      value,
    },
  ];
}

/** JSON has no infinity; the last bound of a histogram is one. */
function writeBound(bound: number): number | null {
  return Number.isFinite(bound) ? bound : null;
}
function readBound(bound: number | null): number {
  return bound ?? Number.POSITIVE_INFINITY;
}
