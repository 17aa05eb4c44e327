import { err, ok, type Result } from '../model/index.ts';

/** Characters that mean something only to a shell. */
const shellSigns = /^(&&|\|\||[|;&<>`]|\$\(|\$[A-Za-z_{])/;

/**
 * Splits one line into argv as a shell would, without being one: blanks separate, quotes keep together, a backslash
 * takes the next character as it is. What would need a shell is refused in words.
 */
export function splitCommand(line: string): Result<string[], string> {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    const sign = quote === "'" ? undefined : shellSigns.exec(line.slice(at, at + 3))?.[1];
    if (sign !== undefined && (quote === undefined || sign.startsWith('$') || sign === '`'))
      return err(whyNoShell(sign));
    if (char === quote) quote = undefined;
    else if (quote === undefined && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (char === '\\' && quote !== "'") {
      const next = line[at + 1];
      if (next === undefined) return err('ends with a backslash');
      const isTaken = quote === undefined || next === '"' || next === '\\' || next === '$' || next === '`';
      word = (word ?? '') + (isTaken ? next : char + next);
      at += 1;
    } else if (quote === undefined && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== undefined) return err(`has a quote ${quote} that is not closed`);
  if (word !== undefined) words.push(word);
  if (words.length === 0) return err('is empty');
  if (words.includes('')) return err('has an empty word');
  if (/^[A-Za-z_]\w*=/.test(words[0]!)) return err(`sets a variable: use \`env\` instead of ${words[0]}`);
  return ok(words);
}

function whyNoShell(sign: string): string {
  if (sign === '&&' || sign === ';') return `uses "${sign}", but there is no shell: write several commands as a list`;
  return `uses "${sign}", but there is no shell: write ["sh", "-c", "…"] when you want one`;
}

/** Names in braces that a command asks to be filled in: `{port:admin}` → `port:admin`. */
export function placeholdersOf(argv: readonly string[]): string[] {
  return argv.flatMap((word) => [...word.matchAll(/\{(port(?::[^{}]*)?|address|dataDir)\}/g)].map(([, name]) => name!));
}
