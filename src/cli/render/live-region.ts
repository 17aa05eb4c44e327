import { cut } from './style.ts';

/**
 * A block of lines that is rewritten in place on a terminal. Lines are cut to the window, so that none wraps and the
 * cursor arithmetic holds. `print` puts a lasting line above the block.
 */
export function createLiveRegion(stream: NodeJS.WriteStream) {
  let shown = 0;
  const clear = () => {
    if (shown > 0) stream.write(`\u001b[${shown}A\u001b[0J`);
    shown = 0;
  };
  const draw = (lines: readonly string[]) => {
    const width = Math.min(stream.columns ?? 100, 100);
    const room = Math.max(1, (stream.rows ?? 40) - 1);
    const visible = lines.slice(0, room);
    stream.write(visible.map((line) => `${cut(line, width)}\n`).join(''));
    shown = visible.length;
  };
  return {
    update(lines: readonly string[]): void {
      clear();
      draw(lines);
    },
    print(line: string, block: readonly string[]): void {
      clear();
      stream.write(`${line}\n`);
      draw(block);
    },
    /** Leaves the last picture standing. */
    end(): void {
      shown = 0;
    },
  };
}
