import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ProblemError, problem } from '../../model/index.ts';
import { ownStrategies, type Strategy, type StrategyBook, tryStrategy } from '../../rollout/index.ts';

/** A module that the server was started with, and what came with it. */
export interface Plugin {
  readonly file: string;
  readonly strategies: readonly string[];
}

export interface Plugins {
  readonly loaded: readonly Plugin[];
  /** Rollway's own strategies and those of plug-ins. */
  readonly strategies: StrategyBook;
}

/** What a strategy may have; anything else is a misspelling. */
const parts = ['check', 'extras', 'order', 'next', 'down'] as const;
/** Enough to find what is wrong always, and too few to be noticed at the start. */
const startTrials = 20;

/**
 * Loads the modules that the owner of this server named; a commit never brings one. Each strategy is tried before
 * anything runs by it. Throws `server/plugin` with what is wrong.
 */
export async function loadPlugins(files: readonly string[]): Promise<Plugins> {
  const strategies = new Map(ownStrategies);
  const loaded: Plugin[] = [];
  for (const name of files) {
    const file = resolve(name);
    const found = await readPlugin(file);
    for (const strategy of found) {
      if (strategies.has(strategy.name)) throw refused(file, `There is a strategy ${strategy.name} already.`);
      tryOut(file, strategy);
      strategies.set(strategy.name, strategy);
    }
    loaded.push({ file, strategies: found.map(({ name: own }) => own) });
  }
  return { loaded, strategies };
}

/** The strategies of a module, in the shape that they have to have; not tried yet. Throws `server/plugin`. */
export async function readPlugin(name: string): Promise<readonly Strategy[]> {
  const file = resolve(name);
  return strategiesOf(file, await importModule(file));
}

async function importModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw refused(file, 'There is no such file.');
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    throw refused(file, `It cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function strategiesOf(file: string, { strategies }: Readonly<Record<string, unknown>>): readonly Strategy[] {
  if (!Array.isArray(strategies) || strategies.length === 0) {
    throw refused(file, 'It exports no list called `strategies`.');
  }
  return strategies.map((one) => checkedShape(file, one));
}

function checkedShape(file: string, one: unknown): Strategy {
  if (typeof one !== 'object' || one === null) throw refused(file, 'One of its strategies is no object.');
  const { name, example, ...rest } = one as Record<string, unknown>;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    throw refused(file, `A strategy is called ${JSON.stringify(name)}: lower-case letters, digits and hyphens.`);
  }
  for (const [part, value] of Object.entries(rest)) {
    if (!(parts as readonly string[]).includes(part)) {
      throw refused(file, `${name} has \`${part}\`, which no strategy has; it may have ${parts.join(', ')}.`);
    }
    if (typeof value !== 'function') throw refused(file, `\`${part}\` of ${name} is no function.`);
  }
  if (example !== undefined && (typeof example !== 'object' || example === null)) {
    throw refused(file, `\`example\` of ${name} is no object with settings.`);
  }
  return one as Strategy;
}

function tryOut(file: string, strategy: Strategy): void {
  const broken = tryStrategy(strategy, { times: startTrials }).find(({ failure }) => failure !== undefined);
  if (broken !== undefined) throw refused(file, `${strategy.name} breaks a rule (${broken.rule}): ${broken.failure}`);
}

function refused(file: string, why: string, cause?: unknown): ProblemError {
  return new ProblemError(problem('server/plugin', `${file}: ${why}`, { file }), cause === undefined ? {} : { cause });
}
