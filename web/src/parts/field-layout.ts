import type { TaskDot } from '../../../src/api/index.ts';

/** Where one task stands. */
export interface Cell {
  readonly index: number;
  readonly x: number;
  readonly y: number;
}
export interface Label {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly level: 'place' | 'host';
}
/** Neighbours of one phase: drawn as one ground, so that its boundary can be seen. */
export interface Ground {
  readonly phase: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}
export interface FieldLayout {
  readonly cells: readonly Cell[];
  readonly labels: readonly Label[];
  readonly grounds: readonly Ground[];
  readonly width: number;
  readonly height: number;
  /** Distance of two dots. */
  readonly step: number;
}

const labelHeight = 18;
const placeHeight = 24;
const gap = 16;
const letterWidth = 7;

/**
 * Region by region, rack by rack, a block per host, tasks in index order. All blocks are as wide as the widest, so
 * that columns line up. The place of a task changes only when it moves to another host.
 */
export function layOutField(tasks: readonly TaskDot[], width: number): FieldLayout {
  const step = stepFor(tasks.length);
  const isRackShared = hasSharedRacks(tasks);
  const places = groupBy(tasks, (task) => placeOf(task, isRackShared));
  const hosts = groupBy(tasks, (task) => task.host ?? '');
  const perHost = Math.max(1, ...hosts.map(([, own]) => own.length));
  const letters = Math.max(4, ...hosts.map(([, own]) => hostLabel(own, isRackShared).length));
  const columns = Math.min(columnsFor(perHost), Math.max(2, Math.floor(width / step)));
  const blockWidth = Math.max(columns * step, letters * letterWidth);
  const across = Math.max(1, Math.floor((width + gap) / (blockWidth + gap)));
  const cells: Cell[] = [];
  const labels: Label[] = [];
  const grounds: Ground[] = [];
  let y = 0;
  for (const [place, inPlace] of places) {
    labels.push({ text: place, x: 0, y: y + 14, level: 'place' });
    y += placeHeight;
    const blocks = groupBy(inPlace, (task) => task.rack ?? '').flatMap(([, inRack]) =>
      groupBy(inRack, (task) => task.host ?? ''),
    );
    for (let at = 0; at < blocks.length; at += across) {
      const row = blocks.slice(at, at + across);
      row.forEach(([, own], column) => {
        const x = column * (blockWidth + gap);
        labels.push({ text: hostLabel(own, isRackShared), x, y: y + 12, level: 'host' });
        placeTasks(own, { x, y: y + labelHeight, columns, step }, cells, grounds);
      });
      const lines = Math.max(...row.map(([, own]) => Math.ceil(own.length / columns)));
      y += labelHeight + lines * step + gap / 2;
    }
    y += gap / 2;
  }
  return { cells, labels, grounds, width, height: Math.max(0, y - gap), step };
}

/** Whether some rack has several hosts: then each rack is a place of its own. Else its name stands beside the host. */
function hasSharedRacks(tasks: readonly TaskDot[]): boolean {
  const hostOf = new Map<string, string>();
  for (const { region, rack, host } of tasks) {
    if (host === null || rack === null) continue;
    const known = hostOf.get(`${region} ${rack}`);
    if (known !== undefined && known !== host) return true;
    hostOf.set(`${region} ${rack}`, host);
  }
  return false;
}

function placeOf(task: TaskDot, isRackShared: boolean): string {
  if (task.host === null) return 'not placed yet';
  const region = task.region ?? 'no region';
  return isRackShared && task.rack !== null ? `${region} · ${task.rack}` : region;
}

function hostLabel(own: readonly TaskDot[], isRackShared: boolean): string {
  const first = own[0];
  if (first?.host == null) return 'no host';
  return first.rack === null || isRackShared ? first.host : `${first.host} · ${first.rack}`;
}

interface Block {
  readonly x: number;
  readonly y: number;
  readonly columns: number;
  readonly step: number;
}

function placeTasks(own: readonly TaskDot[], { x, y, columns, step }: Block, cells: Cell[], grounds: Ground[]): void {
  own.forEach((task, i) => {
    const column = i % columns;
    const top = y + Math.floor(i / columns) * step;
    cells.push({ index: task.index, x: x + column * step + step / 2, y: top + step / 2 });
    if (task.phase === null) return;
    const last = grounds.at(-1);
    const continues = column > 0 && own[i - 1]?.phase === task.phase;
    if (continues && last !== undefined) grounds[grounds.length - 1] = { ...last, width: last.width + step };
    else grounds.push({ phase: task.phase, x: x + column * step, y: top, width: step });
  });
}

function stepFor(n: number): number {
  if (n <= 24) return 32;
  if (n <= 60) return 26;
  if (n <= 160) return 20;
  return n <= 800 ? 16 : 13;
}

function columnsFor(perHost: number): number {
  if (perHost <= 8) return perHost;
  return perHost <= 40 ? 10 : 20;
}

function groupBy(tasks: readonly TaskDot[], keyOf: (task: TaskDot) => string): [string, TaskDot[]][] {
  const groups = new Map<string, TaskDot[]>();
  for (const task of tasks) {
    const key = keyOf(task);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [task]);
    else group.push(task);
  }
  return [...groups.entries()].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
}
