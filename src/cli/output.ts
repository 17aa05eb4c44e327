import { createStyle, type Style } from './render/style.ts';
import { renderTable, type TableColumn } from './render/table.ts';

export type OutputFormat = 'table' | 'json';

export interface Output {
  readonly format: OutputFormat;
  readonly style: Style;
  readonly isTty: boolean;
  readonly columns: number;
  /** Prints the JSON when JSON is asked for, else what `people` writes. */
  show(json: unknown, people: () => void): void;
  line(text?: string): void;
  table<T>(columns: readonly TableColumn<T>[], rows: readonly T[], empty: string): void;
  /** The next useful command; not printed when the output is read by a program. */
  next(command: string): void;
}

export interface OutputOptions {
  readonly format: OutputFormat;
  readonly isColour: boolean;
  readonly isTty: boolean;
  readonly columns: number;
  readonly write?: (text: string) => void;
}

export function createOutput(options: OutputOptions): Output {
  const write = options.write ?? ((text: string) => void process.stdout.write(text));
  const style = createStyle(options.isColour);
  const line = (text = '') => write(`${text}\n`);
  return {
    format: options.format,
    style,
    isTty: options.isTty,
    columns: options.columns,
    line,
    show(json, people) {
      if (options.format === 'json') write(`${JSON.stringify(json, null, 2)}\n`);
      else people();
    },
    table(columns, rows, empty) {
      if (rows.length === 0) line(style.dim(empty));
      else for (const row of renderTable(columns, rows, { style, width: options.columns })) line(row);
    },
    next(command) {
      if (options.format === 'table') line(style.dim(`next: ${command}`));
    },
  };
}
