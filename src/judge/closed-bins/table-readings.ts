import type { Sample } from '../../model/index.ts';
import type { BinTable } from '../bin-table.ts';
import { binOf } from '../bin-table.ts';
import { Grid, type GridView } from './grid.ts';
import { Readings } from './readings.ts';

/** Numbers of samples in the cells of a table that was made elsewhere. */
export class TableReadings extends Readings {
  readonly #table: BinTable;
  readonly #samples: readonly Sample[];
  readonly #rowOf: ReadonlyMap<number, number>;
  protected readonly view: GridView;

  constructor(table: BinTable, samples: readonly Sample[]) {
    const { binMs, firstBin, bins, tasks } = table;
    super(new Grid(), binMs);
    this.grid.cover(firstBin, firstBin + bins, tasks.length);
    this.#table = table;
    this.#samples = samples;
    this.#rowOf = new Map(tasks.map((index, row) => [index, row]));
    this.view = { slots: Int32Array.from(tasks.keys()), firstBin, bins };
  }

  protected eachOf(metric: string, each: (sample: Sample, at: number, bin: number) => void): void {
    const { binMs, firstBin, bins } = this.#table;
    for (const sample of this.#samples) {
      if (sample.metric !== metric || sample.toMs - sample.fromMs > 1.5 * binMs) continue;
      const bin = binOf(sample, binMs);
      const row = this.#rowOf.get(sample.index);
      if (row !== undefined && bin >= firstBin && bin < firstBin + bins) each(sample, this.grid.at(row, bin), bin);
    }
  }
}
