import { memo, useMemo, useRef, useState } from 'react';
import type { TaskDot } from '../../../src/api/index.ts';
import { countWords, DotMark, dotWords } from './dots.tsx';

interface Cell {
  readonly task: TaskDot;
  readonly x: number;
  readonly y: number;
}
interface Label {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly level: 'region' | 'host';
}
interface Layout {
  readonly cells: readonly Cell[];
  readonly labels: readonly Label[];
  readonly width: number;
  readonly height: number;
}

const step = 16;
const hostWidth = 96;

/**
 * Where each dot stands: region by region, rack by rack, a row per host (hosts with many tasks wrap), in index order.
 * The place of a task changes only when it moves to another host.
 */
function layOut(tasks: readonly TaskDot[], width: number): Layout {
  const cells: Cell[] = [];
  const labels: Label[] = [];
  let y = 0;
  const perRow = Math.max(4, Math.floor((width - hostWidth) / step));
  for (const [region, inRegion] of groupBy(tasks, (task) => task.region ?? 'no region')) {
    labels.push({ text: region, x: 0, y: y + 12, level: 'region' });
    y += 20;
    for (const [, inRack] of groupBy(inRegion, (task) => task.rack ?? '')) {
      for (const [host, onHost] of groupBy(inRack, (task) => task.host ?? '–')) {
        const rack = onHost[0]?.rack;
        labels.push({ text: rack == null ? host : `${host} · ${rack}`, x: 0, y: y + 12, level: 'host' });
        onHost.forEach((task, i) => {
          cells.push({
            task,
            x: hostWidth + (i % perRow) * step + step / 2,
            y: y + Math.floor(i / perRow) * step + step / 2,
          });
        });
        y += Math.ceil(onHost.length / perRow) * step + 2;
      }
      y += 6;
    }
    y += 6;
  }
  return { cells, labels, width, height: y };
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

/** One dot; drawn again only when its task changed or moved. */
const Dot = memo(function Dot({ task, x, y, isChosen }: Cell & { isChosen: boolean }) {
  return (
    <g
      data-index={task.index}
      data-dot={task.dot}
      className={isChosen ? 'cell chosen' : 'cell'}
      transform={`translate(${x} ${y})`}
    >
      <rect x={-step / 2} y={-step / 2} width={step} height={step} className="hit" />
      <DotMark dot={task.dot} />
    </g>
  );
});

interface FieldProps {
  readonly tasks: readonly TaskDot[];
  readonly width: number;
  readonly chosen: number | undefined;
  readonly onChoose: (index: number | undefined) => void;
}

/** The field of task dots. Pointer: hover tells, click opens. Keyboard: arrows walk, Enter opens. */
export function TaskField({ tasks, width, chosen, onChoose }: FieldProps) {
  const layout = useMemo(() => layOut(tasks, width), [tasks, width]);
  const [hovered, setHovered] = useState<number | undefined>();
  const svg = useRef<SVGSVGElement>(null);
  const indexAt = (target: EventTarget) => {
    const cell = target instanceof Element ? target.closest<SVGGElement>('[data-index]') : null;
    return cell === null ? undefined : Number(cell.dataset.index);
  };
  const shown = hovered ?? chosen;
  const task = shown === undefined ? undefined : tasks.find((each) => each.index === shown);
  const walk = (by: number) => {
    const order = layout.cells.map((cell) => cell.task.index);
    const at = shown === undefined ? -1 : order.indexOf(shown);
    setHovered(order[(at + by + order.length) % order.length]);
  };
  return (
    <div className="field">
      {/* biome-ignore lint/a11y/useSemanticElements: a picture that can be walked has no element of its own */}
      <svg
        ref={svg}
        width={layout.width}
        height={layout.height}
        role="group"
        aria-label={`Tasks: ${countWords(tasks.map((each) => each.dot))}. Arrow keys walk, Enter opens.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is walked by arrow keys
        tabIndex={0}
        onPointerMove={(event) => setHovered(indexAt(event.target))}
        onPointerLeave={() => setHovered(undefined)}
        onClick={(event) => onChoose(indexAt(event.target))}
        onKeyDown={(event) => {
          if (event.key === 'ArrowRight' || event.key === 'ArrowDown') walk(1);
          else if (event.key === 'ArrowLeft' || event.key === 'ArrowUp') walk(-1);
          else if (event.key === 'Enter') onChoose(shown);
          else if (event.key === 'Escape') onChoose(undefined);
          else return;
          event.preventDefault();
        }}
      >
        {layout.labels.map((label) => (
          <text key={`${label.y}`} x={label.x} y={label.y} className={`label label-${label.level}`}>
            {label.text}
          </text>
        ))}
        {layout.cells.map((cell) => (
          <Dot key={cell.task.index} task={cell.task} x={cell.x} y={cell.y} isChosen={cell.task.index === shown} />
        ))}
      </svg>
      <p className="told" aria-live="polite">
        {task === undefined ? 'Point at a task to see what it runs; click for its log.' : tell(task)}
      </p>
    </div>
  );
}

function tell(task: TaskDot): string {
  const where = task.host === null ? 'nowhere yet' : `on ${task.host}`;
  return `task ${task.index}: ${dotWords[task.dot]} ${where}${task.version === null ? '' : `, runs ${task.version}`}`;
}
