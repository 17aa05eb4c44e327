/** Colour has meaning only for state; everything else is weight. Off: the text as it is. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly busy: (text: string) => string;
  readonly held: (text: string) => string;
  readonly fresh: (text: string) => string;
}

export function createStyle(isColour: boolean): Style {
  const code = (open: string, close: string) => (text: string) =>
    isColour && text !== '' ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: code('1', '22'),
    dim: code('2', '22'),
    good: code('32', '39'),
    bad: code('31', '39'),
    busy: code('33', '39'),
    held: code('35', '39'),
    fresh: code('34', '39'),
  };
}

const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** Columns a text takes on the screen, without its colours. */
export function widthOf(text: string): number {
  return [...text.replace(colours, '')].length;
}

/** Cuts to `width` columns with an ellipsis; colours of a cut text are dropped. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return `${[...text.replace(colours, '')].slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** What comes from outside (commit subjects, logs) without control characters: it cannot drive the terminal. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are taken out
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
