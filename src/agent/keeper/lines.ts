import { StringDecoder } from 'node:string_decoder';

// A longer line is cut: a task that writes a gigabyte without a line break must not fill our memory.
export const maxLineChars = 8192;

/** Cuts a stream of bytes into lines; `end` gives what came after the last line break. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#emit(line);
    while (this.#rest.length > maxLineChars) {
      this.#onLine(this.#rest.slice(0, maxLineChars));
      this.#rest = this.#rest.slice(maxLineChars);
    }
  }

  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = '';
    if (rest !== '') this.#emit(rest);
  }

  #emit(line: string): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line;
    // At least once: an empty line is a line too.
    for (let at = 0; at === 0 || at < text.length; at += maxLineChars) this.#onLine(text.slice(at, at + maxLineChars));
  }
}
