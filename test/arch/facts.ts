// What a file imports, and which of the world's clocks, dice and doors it touches.
import { type Token, tokenize } from './tokens.ts';

export interface Import {
  target: string;
  line: number;
  /** `import type …`, `export type …` or `import('…')` in a type: nothing of it is left at run time. */
  isType: boolean;
  isDynamic: boolean;
}

export interface Use {
  what: string;
  line: number;
}

export interface Facts {
  imports: Import[];
  impurities: Use[];
  /** `**` and `Math.pow`: their last bits differ between versions of the engine. */
  powers: Use[];
}

export function factsOf(source: string): Facts {
  const tokens = tokenize(source);
  return { imports: findImports(tokens), impurities: findImpurities(tokens), powers: findPowers(tokens) };
}

function findImports(tokens: readonly Token[]): Import[] {
  const found: Import[] = [];
  for (const [at, token] of tokens.entries()) {
    if (token.kind !== 'word' || isMember(tokens, at)) continue;
    if (token.text === 'import') {
      const next = tokens[at + 1];
      if (next?.text === '(') {
        const target = tokens[at + 2];
        const isComputed = target?.kind !== 'string' || !/^[),]$/.test(tokens[at + 3]?.text ?? '');
        const before = tokens[at - 1]?.text ?? '';
        const isType = /^[:|&<]$/.test(before) || before === 'typeof';
        found.push({ target: isComputed ? '(computed)' : target.text, line: token.line, isType, isDynamic: true });
      } else if (next?.kind === 'string') {
        found.push({ target: next.text, line: token.line, isType: false, isDynamic: false });
      } else if (next && next.text !== '.' && next.text !== ':') {
        pushFrom(found, tokens, at);
      }
    } else if (token.text === 'export' && /^(\*|\{|type)$/.test(tokens[at + 1]?.text ?? '')) {
      pushFrom(found, tokens, at);
    } else if (token.text === 'require' && tokens[at + 1]?.text === '(' && tokens[at + 2]?.kind === 'string') {
      found.push({ target: tokens[at + 2]!.text, line: token.line, isType: false, isDynamic: true });
    }
  }
  return found;
}

/** From `import` or `export`, over the names, to `from '…'`; `export type X = …` has none. */
function pushFrom(found: Import[], tokens: readonly Token[], start: number): void {
  const isType = tokens[start + 1]?.text === 'type' && tokens[start + 2]?.text !== 'from';
  for (let at = start + 1; at < tokens.length; at += 1) {
    const { kind, text } = tokens[at]!;
    if (text === 'from' && tokens[at + 1]?.kind === 'string') {
      found.push({ target: tokens[at + 1]!.text, line: tokens[start]!.line, isType, isDynamic: false });
      return;
    }
    if (kind === 'string' || (kind === 'punct' && !/^[{},*]$/.test(text))) return;
    if (at > start + 1 && (text === 'import' || text === 'export')) return;
  }
}

const timers = new Set(['setTimeout', 'setInterval', 'setImmediate']);
const objects = new Set(['process', 'performance', 'globalThis']);

function findImpurities(tokens: readonly Token[]): Use[] {
  const uses: Use[] = [];
  for (const [at, { kind, text, line }] of tokens.entries()) {
    if (kind !== 'word' || isMember(tokens, at) || isPropertyName(tokens, at)) continue;
    const follows = (...texts: string[]) => texts.every((wanted, index) => tokens[at + 1 + index]?.text === wanted);
    const member = follows('.') || follows('?.') ? tokens[at + 2]?.text : undefined;
    const report = (what: string) => uses.push({ what, line });

    if (text === 'Date' && member === 'now') report('Date.now');
    else if (text === 'Date' && tokens[at - 1]?.text === 'new' && !(follows('(') && !follows('(', ')'))) {
      report('new Date()');
    } else if (text === 'Date' && follows('(') && tokens[at - 1]?.text !== 'new') report('Date()');
    else if (text === 'Math' && member === 'random') report('Math.random');
    else if (text === 'AbortSignal' && member === 'timeout') report('AbortSignal.timeout');
    else if (text === 'crypto' && member) report(`crypto.${member}`);
    else if (text === 'Temporal' && member === 'Now') report('Temporal.Now');
    else if (timers.has(text)) report(text);
    else if (objects.has(text) && (member || follows('['))) report(member ? `${text}.${member}` : text);
    else if (text === 'fetch' && follows('(') && !isDeclaration(tokens, at)) report('fetch');
  }
  return uses;
}

function findPowers(tokens: readonly Token[]): Use[] {
  return tokens.flatMap(({ kind, text, line }, at) => {
    const next = tokens[at + 1]?.text;
    if (kind === 'punct' && text === '*' && next === '*') return [{ what: '**', line }];
    const isPow =
      kind === 'word' && text === 'Math' && (next === '.' || next === '?.') && tokens[at + 2]?.text === 'pow';
    return isPow ? [{ what: 'Math.pow', line }] : [];
  });
}

function isMember(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text;
  // `...process.argv` is not a member of anything.
  return (before === '.' && tokens[at - 2]?.text !== '.') || before === '?.';
}

/** `{ process: … }`, `setTimeout?: …`: a name of ours. In `a ? process : b` a question mark stands before it. */
function isPropertyName(tokens: readonly Token[], at: number): boolean {
  const next = tokens[at + 1]?.text === '?' ? tokens[at + 2]?.text : tokens[at + 1]?.text;
  return next === ':' && /^[{,;(]$/.test(tokens[at - 1]?.text ?? '');
}

/** `fetch(query): Promise<…>` in an interface declares a method of a port; it does not call anything. */
function isDeclaration(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text ?? '';
  if (before === 'function') return true;
  if (!/^[{};,]$/.test(before) && before !== 'async') return false;
  let depth = 0;
  for (let end = at + 1; end < tokens.length; end += 1) {
    if (tokens[end]!.text === '(') depth += 1;
    if (tokens[end]!.text === ')') depth -= 1;
    if (depth === 0) return tokens[end + 1]?.text === ':' || tokens[end + 1]?.text === '{';
  }
  return false;
}
