// Which part of the house a file under src/ belongs to.

export type Role = 'decision' | 'rows' | 'work' | 'read' | 'test' | 'conformance';

export interface Place {
  file: string;
  /** The folder with a door: `rollout`, or inside the three areas of adapters `drivers/fleet`, `judge/sources`, `io`. */
  area: string;
  role: Role;
  /** Other areas may import it. */
  isDoor: boolean;
}

export function placeOf(file: string): Place {
  const parts = file.replace(/^src\//, '').split('/');
  const name = parts.at(-1)!;
  const area = areaOf(parts);
  return { file, area, role: roleOf(parts, name), isDoor: isDoor(area, parts, name) };
}

function areaOf(parts: readonly string[]): string {
  const [top = '', second = ''] = parts;
  if (parts.length === 1) return '(root)';
  if (top === 'drivers' && parts.length > 2) return `drivers/${second}`;
  if (top === 'judge' && second === 'sources') return 'judge/sources';
  return top;
}

function roleOf(parts: readonly string[], name: string): Role {
  if (/\.test\.ts$/.test(name)) return 'test';
  if (parts.includes('conformance') || /(^|\.)conformance\.ts$/.test(name)) return 'conformance';
  if (parts.length === 2 && (name === 'rows.ts' || name === 'work.ts' || name === 'read.ts')) {
    return name.replace('.ts', '') as Role;
  }
  // Grown too large for one file: `rows/versions.ts` beside `rows.ts`, which exports what others may use.
  const [, folder = ''] = parts;
  if (parts.length === 3 && (folder === 'rows' || folder === 'work' || folder === 'read')) return folder;
  return 'decision';
}

function isDoor(area: string, parts: readonly string[], name: string): boolean {
  const inside = parts.slice(area.split('/').length);
  // Metric sources are found one by one: `judge/sources/prometheus.ts` or `judge/sources/prometheus/index.ts`.
  if (area === 'judge/sources') return inside.length === 1 || (inside.length === 2 && name === 'index.ts');
  // So are adapters to the operating system: a keeper that needs processes does not load Git and packages.
  if (area === 'io') return inside.length === 1;
  return inside.length === 1 && name === 'index.ts';
}
