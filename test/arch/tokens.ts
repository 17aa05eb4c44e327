// A small TypeScript tokenizer: enough to tell code from comments, strings, templates and regular expressions.

export interface Token {
  kind: 'word' | 'string' | 'punct';
  text: string;
  line: number;
}

// After one of these words a slash begins a regular expression, not a division.
const wordsBeforeRegex = new Set(
  'return typeof case in of delete void throw new else do instanceof await yield'.split(' '),
);

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  // Depths of braces at which a `${` of a template was opened.
  const templateDepths: number[] = [];
  let depth = 0;
  let line = 1;
  let at = 0;

  const push = (kind: Token['kind'], text: string) => tokens.push({ kind, text, line });
  const skipTo = (end: number) => {
    for (; at < end; at += 1) if (source[at] === '\n') line += 1;
  };

  while (at < source.length) {
    const char = source[at]!;
    if (/\s/.test(char)) skipTo(at + 1);
    else if (source.startsWith('//', at)) skipTo(endOr(source.indexOf('\n', at), source));
    else if (source.startsWith('/*', at)) skipTo(endOr(source.indexOf('*/', at + 2), source, 2));
    else if (char === "'" || char === '"') {
      const end = endOfQuoted(source, at);
      push('string', source.slice(at + 1, end - 1));
      skipTo(end);
    } else if (char === '`' || (char === '}' && templateDepths.at(-1) === depth)) {
      if (char === '}') templateDepths.pop();
      const { end, isOpen } = endOfTemplatePart(source, at + 1);
      // A template without holes is a string like any other, also in import(`…`).
      push('string', source.slice(at + 1, end - (isOpen ? 2 : 1)));
      if (isOpen) templateDepths.push(depth);
      skipTo(end);
    } else if (char === '/' && startsRegex(tokens.at(-1))) {
      const end = endOfRegex(source, at);
      push('string', '');
      skipTo(end);
    } else if (/[\w$]/.test(char) || char > '\x7f') {
      const word = /^[\w$\u0080-\uffff]+/.exec(source.slice(at, at + 200))![0];
      push('word', word);
      skipTo(at + word.length);
    } else {
      if (char === '{') depth += 1;
      if (char === '}') depth -= 1;
      const text = source.startsWith('?.', at) && !/\d/.test(source[at + 2] ?? '') ? '?.' : char;
      push('punct', text);
      skipTo(at + text.length);
    }
  }
  return tokens;
}

function endOr(found: number, source: string, length = 0): number {
  return found === -1 ? source.length : found + length;
}

function endOfQuoted(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== source[start] && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfTemplatePart(source: string, start: number): { end: number; isOpen: boolean } {
  let at = start;
  while (at < source.length && source[at] !== '`') {
    if (source.startsWith('${', at)) return { end: at + 2, isOpen: true };
    at += source[at] === '\\' ? 2 : 1;
  }
  return { end: at + 1, isOpen: false };
}

function endOfRegex(source: string, start: number): number {
  let at = start + 1;
  let isInClass = false;
  while (at < source.length && source[at] !== '\n' && (source[at] !== '/' || isInClass)) {
    if (source[at] === '[') isInClass = true;
    if (source[at] === ']') isInClass = false;
    at += source[at] === '\\' ? 2 : 1;
  }
  return at + 1;
}

function startsRegex(before: Token | undefined): boolean {
  if (!before) return true;
  if (before.kind === 'string') return false;
  if (before.kind === 'word') return wordsBeforeRegex.has(before.text);
  return before.text !== ')' && before.text !== ']' && before.text !== '}';
}
