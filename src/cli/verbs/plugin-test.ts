import { exitCodes } from '../failure.ts';
import { type GlobalFlags, outputOf } from '../session.ts';

interface Flags extends GlobalFlags {
  readonly times: number;
}

/** Tries every strategy of a module against the rules that all of them keep; exit code 3 when one is broken. */
export async function run([module = '']: readonly string[], flags: Flags) {
  const { readPlugin } = await import('../../server/index.ts');
  const { tryStrategy } = await import('../../rollout/index.ts');
  const out = outputOf(flags);
  const tried = (await readPlugin(module)).map((strategy) => {
    return { strategy: strategy.name, rules: tryStrategy(strategy, { times: Math.max(1, flags.times) }) };
  });
  const isBroken = tried.some(({ rules }) => rules.some(({ failure }) => failure !== undefined));
  out.show({ module, tried, passed: !isBroken }, () => {
    for (const { strategy, rules } of tried) {
      out.line(strategy);
      for (const { rule, failure } of rules) {
        out.line(
          failure === undefined
            ? `  ${out.style.good('✓')} ${rule}`
            : `  ${out.style.bad('✗')} ${rule}\n    ${failure}`,
        );
      }
    }
  });
  return isBroken ? exitCodes.failed : undefined;
}
