import { formatDuration } from '../kit/index.ts';
import type { CompiledConfig, Origin } from './compiled.ts';

/** One line of `rollway explain config`. */
export interface ExplainedValue {
  readonly path: string;
  /** As a person would say it: `10 m`, `25 %`, `node server.js`. */
  readonly value: string;
  readonly layer: string;
  /** Where the layer comes from: `rollway.config.ts`, or Rollway itself. */
  readonly source: string;
}

/** Every effective value with the layer that set it, in the order of their paths. */
export function explainConfig({ origins, file }: Pick<CompiledConfig, 'origins' | 'file'>): ExplainedValue[] {
  return origins.map((origin) => {
    const isOwn = origin.layer === 'service' || origin.layer.startsWith('environment ');
    return {
      path: origin.path,
      value: formatValue(origin),
      layer: origin.layer,
      source: isOwn ? file : 'Rollway',
    };
  });
}

function formatValue({ path, value }: Origin): string {
  if (value === null || value === undefined) return 'none';
  if (typeof value === 'number' && path.endsWith('Ms')) return value === 0 ? '0 s' : formatDuration(value);
  if (typeof value === 'number' && /\.(delta|margin)$/.test(path)) return `${Math.round(value * 10_000) / 100} %`;
  // Only the standard checks have empty names: they take those of the check of errors.
  if (value === '') return 'as errors';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return formatList(value);
  return JSON.stringify(value);
}

function formatList(list: readonly unknown[]): string {
  if (list.length === 0) return 'none';
  if (list.every((item) => typeof item === 'string')) return list.map(quoteWord).join(' ');
  const isCommands = list.every((item) => Array.isArray(item) && item.every((word) => typeof word === 'string'));
  if (isCommands) return (list as string[][]).map((words) => words.map(quoteWord).join(' ')).join(', then ');
  return JSON.stringify(list);
}

function quoteWord(word: string): string {
  return /^[\w./:@%+={},-]+$/.test(word) ? word : JSON.stringify(word);
}
