import { memo, type PointerEvent, useMemo, useState } from 'react';
import type { DotState, TaskDot } from '../../../src/api/index.ts';
import { formatDuration } from '../words.ts';
import { countWords, dotPaths } from './dots.tsx';
import { type FieldLayout, layOutField } from './field-layout.ts';

/** A larger field shows changes at once. */
const movingUpTo = 400;

interface FieldProps {
  readonly tasks: readonly TaskDot[];
  readonly width: number;
  readonly currentPhase: number;
  readonly chosen: number | undefined;
  readonly words: Readonly<Record<DotState, string>>;
  /** A version as people know it. */
  readonly nameOf: (version: string) => string;
  readonly onChoose: (index: number | undefined) => void;
}

/** The field of task dots. Pointer: hover tells, click opens. Keyboard: arrows walk, Enter opens. */
export function TaskField({ tasks, width, currentPhase, chosen, words, nameOf, onChoose }: FieldProps) {
  const layout = useLayout(tasks, width);
  const [hovered, setHovered] = useState<number | undefined>();
  const byIndex = useMemo(() => new Map(tasks.map((task) => [task.index, task])), [tasks]);
  const counts = useMemo(
    () =>
      countWords(
        tasks.map((task) => task.dot),
        words,
      ),
    [tasks, words],
  );
  const shown = hovered ?? chosen;
  const task = shown === undefined ? undefined : byIndex.get(shown);
  const place = shown === undefined ? undefined : layout.cells.find((cell) => cell.index === shown);
  const walk = (by: number) => {
    const at = layout.cells.findIndex((cell) => cell.index === shown);
    const next = at === -1 ? (by > 0 ? 0 : -1) : at + by;
    setHovered(layout.cells.at(next % layout.cells.length)?.index);
  };
  return (
    <div className="field">
      {/* biome-ignore lint/a11y/useSemanticElements: a picture that can be walked has no element of its own */}
      <svg
        width={layout.width}
        height={layout.height}
        role="group"
        aria-label={`Tasks: ${counts}. Arrow keys walk, Enter opens.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is walked by arrow keys
        tabIndex={0}
        className={`${hovered === undefined ? '' : 'pointing'} ${tasks.length <= movingUpTo ? 'moving' : ''}`}
        onPointerMove={(event) => setHovered(cellAt(layout, event))}
        onPointerLeave={() => setHovered(undefined)}
        onBlur={() => setHovered(undefined)}
        onClick={(event) => onChoose(cellAt(layout, event))}
        onKeyDown={(event) => {
          if (event.key === 'ArrowRight' || event.key === 'ArrowDown') walk(1);
          else if (event.key === 'ArrowLeft' || event.key === 'ArrowUp') walk(-1);
          else if (event.key === 'Enter') onChoose(shown);
          else if (event.key === 'Escape') onChoose(undefined);
          else return;
          event.preventDefault();
        }}
      >
        <Ground layout={layout} currentPhase={currentPhase} />
        {layout.cells.map(({ index, x, y }) => (
          <Dot key={index} index={index} x={x} y={y} step={layout.step} dot={byIndex.get(index)?.dot ?? 'absent'} />
        ))}
        {place !== undefined && (
          <rect
            x={place.x - layout.step / 2}
            y={place.y - layout.step / 2}
            width={layout.step}
            height={layout.step}
            rx="3"
            className="chosen"
          />
        )}
      </svg>
      <p className="told num" aria-live="polite">
        {task === undefined
          ? 'Point at a task, or walk with the arrow keys; a click or Enter opens it.'
          : tell(task, words, nameOf)}
      </p>
    </div>
  );
}

/** Laid out anew only when a task comes, goes, moves or gets a phase – not when its state changes. */
function useLayout(tasks: readonly TaskDot[], width: number): FieldLayout {
  const places = tasks
    .map(({ index, host, rack, region, phase }) => `${index} ${host} ${rack} ${region} ${phase}`)
    .join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: of the tasks only their places count
  return useMemo(() => layOutField(tasks, width), [places, width]);
}

/** One dot; drawn again only when its state or its place changed. */
const Dot = memo(function Dot(props: { index: number; x: number; y: number; step: number; dot: DotState }) {
  const { index, x, y, step, dot } = props;
  return (
    <path
      data-index={index}
      data-dot={dot}
      d={dotPaths[dot]}
      className={`dot dot-${dot}`}
      transform={`translate(${x} ${y}) scale(${(step / 15).toFixed(2)})`}
    />
  );
});

/** Names of places and hosts, and the grounds of the phases: what changes rarely. */
const Ground = memo(function Ground({ layout, currentPhase }: { layout: FieldLayout; currentPhase: number }) {
  return (
    <>
      {layout.grounds.map(({ phase, x, y, width }) => (
        <rect
          key={`${x} ${y}`}
          x={x + 0.5}
          y={y + 0.5}
          width={width - 1}
          height={layout.step - 1}
          rx="3"
          className={`ground ground-${Math.min(phase, 4)} ${phase === currentPhase ? 'current' : ''}`}
        />
      ))}
      {layout.labels.map((label) => (
        <text key={`${label.x} ${label.y}`} x={label.x} y={label.y} className={`label label-${label.level}`}>
          {label.text}
        </text>
      ))}
    </>
  );
});

function cellAt(layout: FieldLayout, event: PointerEvent<SVGSVGElement> | React.MouseEvent<SVGSVGElement>) {
  const box = event.currentTarget.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const half = layout.step / 2;
  return layout.cells.find((cell) => Math.abs(cell.x - x) <= half && Math.abs(cell.y - y) <= half)?.index;
}

function tell(task: TaskDot, words: Readonly<Record<DotState, string>>, nameOf: (version: string) => string): string {
  const where = [task.host ?? 'no host yet', task.rack, task.region].filter((part) => part !== null);
  return [
    `task ${task.index}`,
    words[task.dot],
    where.join(' '),
    ...(task.version === null ? [] : [nameOf(task.version)]),
    ...(task.sinceMs === null ? [] : [`for ${formatDuration(Math.max(1000, Date.now() - task.sinceMs))}`]),
  ].join(' · ');
}
