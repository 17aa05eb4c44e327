import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DriverBook, DriverPlugin } from '../../drivers/index.ts';
import { ProblemError, problem } from '../../model/index.ts';
import { ownStrategies, type Strategy, type StrategyBook, tryStrategy } from '../../rollout/index.ts';

/** A module that the server was started with, and what came with it. */
export interface Plugin {
  readonly file: string;
  readonly strategies: readonly string[];
  readonly drivers: readonly string[];
}

export interface Plugins {
  readonly loaded: readonly Plugin[];
  /** Rollway's own strategies and those of plug-ins. */
  readonly strategies: StrategyBook;
  readonly drivers: DriverBook;
}

/** What a strategy may have; anything else is a misspelling. */
const parts = ['check', 'extras', 'order', 'next', 'down'] as const;
const driverParts = ['check', 'open'] as const;
/** Enough to find what is wrong always, and too few to be noticed at the start. */
const startTrials = 20;

/**
 * Loads the modules that the owner of this server named; a commit never brings one. Each strategy is tried before
 * anything runs by it. Throws `server/plugin` with what is wrong.
 */
export async function loadPlugins(files: readonly string[]): Promise<Plugins> {
  const strategies = new Map(ownStrategies);
  const drivers = new Map<string, DriverPlugin>();
  const loaded: Plugin[] = [];
  for (const name of files) {
    const file = resolve(name);
    const found = await readPlugin(file);
    for (const strategy of found.strategies) {
      if (strategies.has(strategy.name)) throw refused(file, `There is a strategy ${strategy.name} already.`);
      tryOut(file, strategy);
      strategies.set(strategy.name, strategy);
    }
    for (const driver of found.drivers) {
      if (drivers.has(driver.name)) throw refused(file, `There is a driver ${driver.name} already.`);
      drivers.set(driver.name, driver);
    }
    const names = (all: readonly { readonly name: string }[]) => all.map(({ name: own }) => own);
    loaded.push({ file, strategies: names(found.strategies), drivers: names(found.drivers) });
  }
  return { loaded, strategies, drivers };
}

/** What a module brings, in the shape that it has to have; not tried yet. Throws `server/plugin`. */
export async function readPlugin(
  name: string,
): Promise<{ readonly strategies: readonly Strategy[]; readonly drivers: readonly DriverPlugin[] }> {
  const file = resolve(name);
  const { strategies, drivers } = await importModule(file);
  if (strategies === undefined && drivers === undefined) {
    throw refused(file, 'It exports no list called `strategies`, and none called `drivers`.');
  }
  return {
    strategies: listOf(file, 'strategies', strategies).map((one) => checkedStrategy(file, one)),
    drivers: listOf(file, 'drivers', drivers).map((one) => checkedDriver(file, one)),
  };
}

function listOf(file: string, what: string, list: unknown): readonly unknown[] {
  if (list === undefined) return [];
  if (!Array.isArray(list) || list.length === 0) throw refused(file, `It exports no list called \`${what}\`.`);
  return list;
}

async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw refused(file, 'There is no such file.');
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    throw refused(file, `It cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function checkedStrategy(file: string, one: unknown): Strategy {
  const { example, ...rest } = namedParts(file, 'A strategy', one);
  for (const [part, value] of Object.entries(rest)) {
    checkPart(file, String(rest.name), 'strategy', part, value, parts);
  }
  if (example !== undefined && (typeof example !== 'object' || example === null)) {
    throw refused(file, `\`example\` of ${String(rest.name)} is no object with settings.`);
  }
  return one as Strategy;
}

function checkedDriver(file: string, one: unknown): DriverPlugin {
  const { capabilities, heartbeatMs, trial, ...rest } = namedParts(file, 'A driver', one);
  const name = String(rest.name);
  for (const [part, value] of Object.entries(rest)) checkPart(file, name, 'driver', part, value, driverParts);
  if (typeof rest.open !== 'function') throw refused(file, `${name} has no \`open\`.`);
  for (const [part, value] of Object.entries({ capabilities, trial })) {
    if (value !== undefined && (typeof value !== 'object' || value === null))
      throw refused(file, `\`${part}\` of ${name} is no object.`);
  }
  const can = Object.entries(capabilities ?? {}).find(
    ([what, value]) => !['surge', 'move'].includes(what) || typeof value !== 'boolean',
  );
  if (can !== undefined)
    throw refused(file, `\`capabilities\` of ${name} may say surge and move, true or false, and no ${can[0]}.`);
  const isBeat =
    heartbeatMs === undefined || (typeof heartbeatMs === 'number' && heartbeatMs > 0 && heartbeatMs <= 60_000);
  if (!isBeat) throw refused(file, `\`heartbeatMs\` of ${name} is no time up to a minute.`);
  return one as DriverPlugin;
}

function namedParts(file: string, what: string, one: unknown): Record<string, unknown> {
  if (typeof one !== 'object' || one === null) throw refused(file, `${what} of its list is no object.`);
  const { name } = one as Record<string, unknown>;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw refused(file, `${what} is called ${JSON.stringify(name)}: lower-case letters, digits and hyphens.`);
  }
  return { ...one };
}

function checkPart(
  file: string,
  name: string,
  what: string,
  part: string,
  value: unknown,
  may: readonly string[],
): void {
  if (part === 'name') return;
  if (!may.includes(part)) {
    throw refused(file, `${name} has \`${part}\`, which no ${what} has; it may have ${may.join(', ')}.`);
  }
  if (typeof value !== 'function') throw refused(file, `\`${part}\` of ${name} is no function.`);
}

function tryOut(file: string, strategy: Strategy): void {
  const broken = tryStrategy(strategy, { times: startTrials }).find(({ failure }) => failure !== undefined);
  if (broken !== undefined) throw refused(file, `${strategy.name} breaks a rule (${broken.rule}): ${broken.failure}`);
}

function refused(file: string, why: string, cause?: unknown): ProblemError {
  return new ProblemError(problem('server/plugin', `${file}: ${why}`, { file }), cause === undefined ? {} : { cause });
}
