import { exitCodes } from '../failure.ts';
import type { Output } from '../output.ts';
import { type GlobalFlags, outputOf } from '../session.ts';

interface Flags extends GlobalFlags {
  readonly times: number;
}

interface Tried {
  readonly rule: string;
  readonly failure: string | undefined;
  readonly isSkipped?: boolean;
}

/** Tries every strategy and every driver of a module against the rules that all of them keep; exit code 3 when one is broken. */
export async function run([module = '']: readonly string[], flags: Flags) {
  const { readPlugin, openTrial } = await import('../../server/index.ts');
  const { tryStrategy } = await import('../../rollout/index.ts');
  const { tryDriver } = await import('../../drivers/index.ts');
  const out = outputOf(flags);
  const { strategies, drivers } = await readPlugin(module);
  const tried: { strategy?: string; driver?: string; rules: readonly Tried[] }[] = [];
  for (const strategy of strategies) {
    tried.push({ strategy: strategy.name, rules: tryStrategy(strategy, { times: Math.max(1, flags.times) }) });
  }
  for (const plugin of drivers) {
    const open = await openTrial(plugin).catch((error: unknown) => String(error));
    const opens = 'it opens, and names its hosts';
    if (typeof open === 'string') tried.push({ driver: plugin.name, rules: [{ rule: opens, failure: open }] });
    else tried.push({ driver: plugin.name, rules: await tryDriver(open) });
  }
  const isBroken = tried.some(({ rules }) => rules.some(({ failure }) => failure !== undefined));
  out.show({ module, tried, passed: !isBroken }, () => {
    for (const { strategy, driver, rules } of tried) {
      out.line(strategy ?? `driver ${driver}`);
      for (const each of rules) tell(out, each);
    }
  });
  return isBroken ? exitCodes.failed : undefined;
}

function tell(out: Output, { rule, failure, isSkipped }: Tried): void {
  if (isSkipped) out.line(out.style.dim(`  – ${rule}: not tried, its \`trial\` has nothing for it`));
  else if (failure === undefined) out.line(`  ${out.style.good('✓')} ${rule}`);
  else out.line(`  ${out.style.bad('✗')} ${rule}\n    ${failure}`);
}
