import { parseDuration, parseRate } from '../kit/index.ts';
import type { DriverSpec, OnFail, Rate, Selector, StrategySpec } from '../model/index.ts';
import { splitCommand } from './command.ts';
import type * as config from './config.ts';

/** These read values that `schema.ts` has let through; what they are given is known to be well-formed. */

export type Amount = { readonly count: number } | { readonly percent: number };

/** `30s` → 30000 */
export function readDuration(text: config.Duration): number {
  return known(parseDuration(text), text);
}

/** `10%` → 10 */
export function readPercent(text: config.Percent): number {
  return Number(text.slice(0, -1));
}

/** `3` → count, `25%` → percent */
export function readAmount(count: config.Count): Amount {
  return typeof count === 'number' ? { count } : { percent: readPercent(count) };
}

/** `10/1m` → 10 within 60 000 ms */
export function readRate(text: config.Rate): Rate {
  return known(parseRate(text), text);
}

/** Each value of a record by itself. */
export function readEach<T, R>(record: Readonly<Record<string, T>>, read: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, read(value)]));
}

/** `512MB` → 512, `2GB` → 2048 */
export function readMegabytes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s?(MB|GB|MiB|GiB)$/.exec(text) ?? [];
  return Math.round(Number(number) * (unit?.startsWith('G') ? 1024 : 1));
}

/** One line, or an argv as it is. */
export function readCommand(command: config.Command): string[] {
  if (typeof command !== 'string') return [...command];
  const words = splitCommand(command);
  return known(words.ok ? words.value : undefined, command);
}

export function readCommands(commands: config.Commands): string[][] {
  return typeof commands === 'string' ? [readCommand(commands)] : commands.map(readCommand);
}

/** `30s` → exactly so long; `{min, max}` → what is there. */
export function readBake(bake: config.Bake): { minMs?: number; maxMs?: number } {
  if (typeof bake === 'string') return { minMs: readDuration(bake), maxMs: readDuration(bake) };
  return {
    ...(bake.min === undefined ? {} : { minMs: readDuration(bake.min) }),
    ...(bake.max === undefined ? {} : { maxMs: readDuration(bake.max) }),
  };
}

export function readOnFail(onFail: config.OnFail): OnFail {
  return typeof onFail === 'string' ? onFail : { holdThenRevertAfterMs: readDuration(onFail.hold) };
}

export function readStrategy(said: Exclude<config.RolloutConfig['strategy'], undefined>): StrategySpec {
  if (said === 'blue-green') return readBlueGreen({});
  if (typeof said === 'string') return said;
  if ('blueGreen' in said) return readBlueGreen(said.blueGreen);
  if ('surge' in said) return { surge: readAmount(said.surge) };
  return { plugin: said.plugin, settings: { ...said.settings } };
}

function readBlueGreen({ check = '30s', keepOld = '10m' }: { check?: string; keepOld?: string }): StrategySpec {
  return { blueGreen: { checkMs: readDuration(check), keepOldMs: readDuration(keepOld) } };
}

export function readDriver(said: config.DriverConfig): DriverSpec {
  return typeof said === 'string' ? said : { plugin: said.plugin, settings: { ...said.settings } };
}

/** `all` → 100 %, `25%` → percent, `3` → count, the rest part by part. */
export function readSelect(select: config.Select): Selector {
  if (select === 'all') return { percent: 100 };
  if (typeof select === 'number' || typeof select === 'string') return readAmount(select);
  if ('union' in select) return { union: select.union.map(readSelect) };
  if ('difference' in select)
    return { difference: [readSelect(select.difference[0]), readSelect(select.difference[1])] };
  return 'tasks' in select ? { tasks: [...select.tasks] } : select;
}

function known<T>(value: T | undefined, text: unknown): T {
  if (value === undefined) throw new Error(`${JSON.stringify(text)} should have been refused before`);
  return value;
}
