import { useNow } from '../live/use-now.ts';
import { ago, formatDuration } from '../words.ts';

/** A relative time, with the exact one on hover. */
export function Ago({ atMs }: { atMs: number }) {
  const now = useNow();
  return (
    <time className="num" dateTime={new Date(atMs).toISOString()} title={new Date(atMs).toLocaleString()}>
      {ago(atMs, now)}
    </time>
  );
}

/** How long something lasts, or has lasted until now. */
export function Lasting({ fromMs, toMs }: { fromMs: number; toMs: number | null }) {
  const now = useNow();
  return (
    <time className="num" title={`since ${new Date(fromMs).toLocaleString()}`}>
      {formatDuration(Math.max(0, (toMs ?? Math.max(now, fromMs)) - fromMs))}
    </time>
  );
}
