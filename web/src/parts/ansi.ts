const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const pattern = /\u001b\[([0-9;]*)m|\u001b\[[0-9;?]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f]/g;

export interface AnsiPart {
  readonly text: string;
  readonly className: string;
}

/** A line with terminal colours, as parts with class names; other control sequences are left out. */
export function ansiParts(line: string): AnsiPart[] {
  const parts: AnsiPart[] = [];
  let colour = '';
  let isBold = false;
  let at = 0;
  const push = (text: string) => {
    if (text !== '') parts.push({ text, className: [colour, isBold ? 'ansi-bold' : ''].filter(Boolean).join(' ') });
  };
  for (const match of line.matchAll(pattern)) {
    push(line.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1] === undefined) continue;
    for (const code of match[1].split(';').map(Number)) {
      if (code === 0) {
        colour = '';
        isBold = false;
      } else if (code === 1) isBold = true;
      else if (code === 22) isBold = false;
      else if (code === 39) colour = '';
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) colour = `ansi-${names[code % 10]}`;
    }
  }
  push(line.slice(at));
  return parts;
}
