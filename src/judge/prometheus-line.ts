/** `name{label="value",…} 1.5 [timestamp] [# exemplar]`; the timestamp is not used: the time of the scrape is. */
export interface SampleLine {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

interface LineLimits {
  readonly maxLabels: number;
  readonly maxTextLength: number;
}

/** One line of the text format, or why it cannot be read. Quoted names (`{"http.requests",code="500"} 1`) too. */
export function readSampleLine(line: string, limits: LineLimits): SampleLine | string {
  const open = line.indexOf('{');
  const blank = line.search(/[ \t]/);
  const hasLabels = open !== -1 && (blank === -1 || open < blank || line.slice(0, open).trim().search(/[ \t]/) === -1);
  let name = hasLabels ? line.slice(0, open).trim() : line.slice(0, blank === -1 ? line.length : blank);
  const labels: Record<string, string> = {};
  let at = hasLabels ? open + 1 : blank;
  if (hasLabels) {
    const read = readLabels(line, at, labels, limits);
    if (typeof read === 'string') return read;
    at = read.end;
    if (name === '' && read.quotedName !== undefined) name = read.quotedName;
  }
  if (name === '' || name.length > limits.maxTextLength || /[\s"#]/.test(name)) return 'no readable metric name';
  if (at < 0) return `${name} has no value`;
  const word = /^\s*(\S+)/.exec(line.slice(at, at + 100))?.[1];
  const value = word === undefined ? undefined : readNumber(word);
  return value === undefined ? `${name} has no readable value` : { name, labels, value };
}

function readLabels(
  line: string,
  start: number,
  labels: Record<string, string>,
  limits: LineLimits,
): { end: number; quotedName: string | undefined } | string {
  let at = start;
  let quotedName: string | undefined;
  let n = 0;
  for (;;) {
    while (line[at] === ' ' || line[at] === ',') at += 1;
    if (line[at] === '}') return { end: at + 1, quotedName };
    if (at >= line.length) return 'the labels do not end';
    let label: string;
    if (line[at] === '"') {
      const quoted = readQuoted(line, at);
      if (!quoted) return 'a quotation does not end';
      label = quoted.text;
      at = quoted.end;
      if (/^\s*[,}]/.test(line.slice(at, at + 20))) {
        quotedName = label;
        continue;
      }
    } else {
      const word = /^[^\s=,{}"]+/.exec(line.slice(at, at + limits.maxTextLength + 1))?.[0];
      if (!word) return 'no readable label name';
      label = word;
      at += word.length;
    }
    while (line[at] === ' ') at += 1;
    if (line[at] !== '=') return `label ${label.slice(0, 50)} has no value`;
    at += 1;
    while (line[at] === ' ') at += 1;
    const value = line[at] === '"' ? readQuoted(line, at) : undefined;
    if (!value) return `label ${label.slice(0, 50)} has no quoted value`;
    at = value.end;
    n += 1;
    if (n > limits.maxLabels) return `more than ${limits.maxLabels} labels`;
    if (label.length > limits.maxTextLength || value.text.length > limits.maxTextLength) return 'a label is too long';
    if (label !== '__proto__') labels[label] = value.text;
  }
}

/** From the opening quotation mark on; understands `\\`, `\"` and `\n`. */
function readQuoted(line: string, start: number): { text: string; end: number } | undefined {
  const plainEnd = line.indexOf('"', start + 1);
  if (plainEnd === -1) return undefined;
  const plain = line.slice(start + 1, plainEnd);
  if (!plain.includes('\\')) return { text: plain, end: plainEnd + 1 };
  let text = '';
  for (let at = start + 1; at < line.length; at += 1) {
    const char = line[at]!;
    if (char === '"') return { text, end: at + 1 };
    if (char !== '\\') text += char;
    else {
      at += 1;
      text += line[at] === 'n' ? '\n' : (line[at] ?? '');
    }
  }
  return undefined;
}

function readNumber(word: string): number | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word)) return Number(word);
  if (/^\+?inf(inity)?$/i.test(word)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/i.test(word)) return Number.NEGATIVE_INFINITY;
  return /^nan$/i.test(word) ? Number.NaN : undefined;
}
