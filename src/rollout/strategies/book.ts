import type { PlanSpec, StrategySpec } from '../../model/index.ts';
import { blueGreen } from './blue-green.ts';
import { inPlace } from './in-place.ts';
import type { Strategy, StrategySettings } from './port.ts';
import { recreate } from './recreate.ts';
import { surge } from './surge.ts';

/** Every strategy that there is, by name: those that Rollway brings along, and plug-ins. */
export type StrategyBook = ReadonlyMap<string, Strategy>;

export const ownStrategies: StrategyBook = new Map([inPlace, surge, recreate, blueGreen].map((one) => [one.name, one]));

/** A strategy as a plan names it. */
export interface NamedStrategy {
  readonly name: string;
  readonly settings: StrategySettings;
}

/** `{ surge: 2 }` → surge with these settings; nothing said → in place. */
export function nameStrategy(spec: StrategySpec | undefined): NamedStrategy {
  if (spec === undefined) return { name: inPlace.name, settings: {} };
  if (typeof spec === 'string') return { name: spec, settings: {} };
  if ('surge' in spec) return { name: surge.name, settings: spec };
  if ('blueGreen' in spec) return { name: blueGreen.name, settings: {} };
  return { name: spec.plugin, settings: spec.settings };
}

export interface ChosenStrategy {
  readonly strategy: Strategy;
  readonly settings: StrategySettings;
}

/** Undefined: there is no strategy of this name here. */
export function strategyOf(
  { strategy: spec }: Pick<PlanSpec, 'strategy'>,
  book: StrategyBook,
): ChosenStrategy | undefined {
  const { name, settings } = nameStrategy(spec);
  const strategy = book.get(name);
  return strategy && { strategy, settings };
}
