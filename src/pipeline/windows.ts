import type { WindowSpec } from '../model/index.ts';

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const minuteMs = 60_000;
const weekMinutes = 7 * 24 * 60;

/** Whether a deployment may start now; when not, when the next window opens. No windows: always. */
export type WindowAnswer =
  | { readonly isOpen: true }
  | { readonly isOpen: false; readonly opensAtMs: number | undefined };

export function askWindows(windows: readonly WindowSpec[], nowMs: number): WindowAnswer {
  if (windows.length === 0 || windows.some((window) => isWithin(window, nowMs))) return { isOpen: true };
  const start = Math.ceil(nowMs / minuteMs) * minuteMs;
  for (let minute = 0; minute <= weekMinutes; minute++) {
    const atMs = start + minute * minuteMs;
    if (windows.some((window) => isWithin(window, atMs))) return { isOpen: false, opensAtMs: atMs };
  }
  return { isOpen: false, opensAtMs: undefined };
}

/** `from` to `to` local time on the named days; a window that ends before it begins goes past midnight. */
function isWithin(window: WindowSpec, atMs: number): boolean {
  const { day, minute } = localTime(window.timeZone, atMs);
  const [from, to] = [minutesOf(window.from), minutesOf(window.to)];
  const isOn = (offset: number) => window.days.includes(days[(day + 7 + offset) % 7]!);
  if (from <= to) return isOn(0) && minute >= from && minute < to;
  return (isOn(0) && minute >= from) || (isOn(-1) && minute < to);
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 60 + minutes;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function localTime(timeZone: string, atMs: number): { day: number; minute: number } {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hour12: false });
  formats.set(timeZone, format);
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const day = days.indexOf((parts.get('weekday') ?? '').toLowerCase() as (typeof days)[number]);
  return { day, minute: (Number(parts.get('hour')) % 24) * 60 + Number(parts.get('minute')) };
}
