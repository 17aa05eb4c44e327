import type { PipelineView, ReleaseSummary } from '../../../src/api/index.ts';
import { short, toneOf } from '../words.ts';

interface Props {
  readonly pipeline: PipelineView;
  readonly releases: readonly ReleaseSummary[];
  /** The release whose path is lit. */
  readonly lit: string | undefined;
  readonly onLight: (release: string | undefined) => void;
}

const boxWidth = 176;
const boxHeight = 76;
const gapX = 24;
const gapY = 16;
const chipsShown = 2;

/** Column of each action: one behind the last of what it needs. Rows in the order they are written. */
function layOut(nodes: PipelineView['nodes']): Map<string, { x: number; y: number }> {
  const columns = new Map<string, number>();
  const columnOf = (action: string): number => {
    const known = columns.get(action);
    if (known !== undefined) return known;
    const node = nodes.find((each) => each.action === action);
    columns.set(action, 0);
    const column = node === undefined || node.needs.length === 0 ? 0 : 1 + Math.max(...node.needs.map(columnOf));
    columns.set(action, column);
    return column;
  };
  const rows = new Map<number, number>();
  return new Map(
    nodes.map((node) => {
      const column = columnOf(node.action);
      const row = rows.get(column) ?? 0;
      rows.set(column, row + 1);
      return [node.action, { x: column * (boxWidth + gapX), y: row * (boxHeight + gapY) }];
    }),
  );
}

/** The pipeline from left to right; the releases are chips on the action they are in. A chip lights up its path. */
export function PipelineGraph({ pipeline, releases, lit, onLight }: Props) {
  const places = layOut(pipeline.nodes);
  const width = Math.max(...[...places.values()].map((place) => place.x)) + boxWidth;
  const height = Math.max(...[...places.values()].map((place) => place.y)) + boxHeight;
  const path = pathOf(releases.find((release) => release.id === lit));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways
    <section className="scroll pipeline" tabIndex={0} aria-label="Pipeline, left to right">
      <div className="canvas" style={{ width, height }}>
        <svg className="edges" width={width} height={height} aria-hidden="true">
          {pipeline.nodes.flatMap((node) =>
            node.needs.map((need) => {
              const from = places.get(need);
              const to = places.get(node.action);
              if (from === undefined || to === undefined) return null;
              const [x1, y1, x2, y2] = [from.x + boxWidth, from.y + boxHeight / 2, to.x, to.y + boxHeight / 2];
              const isLit = path.has(need) && path.has(node.action);
              return (
                <path
                  key={`${need} ${node.action}`}
                  d={`M${x1} ${y1}C${x1 + gapX / 2} ${y1} ${x2 - gapX / 2} ${y2} ${x2} ${y2}`}
                  className={isLit ? 'edge lit' : 'edge'}
                />
              );
            }),
          )}
        </svg>
        {pipeline.nodes.map((node) => {
          const place = places.get(node.action) ?? { x: 0, y: 0 };
          return (
            <section
              key={node.action}
              aria-label={node.action}
              className={path.has(node.action) ? 'node lit' : 'node'}
              style={{ left: place.x, top: place.y, width: boxWidth, height: boxHeight }}
            >
              <strong className="cut" title={node.action}>
                {node.action}
              </strong>
              <span className="quiet small cut">
                {node.environment === null ? node.type : `${node.type} to ${node.environment}`}
              </span>
              <Chips node={node} releases={releases} lit={lit} onLight={onLight} />
            </section>
          );
        })}
      </div>
    </section>
  );
}

/** The releases that stand on an action; where none does, the newest that passed it. */
function Chips({ node, releases, lit, onLight }: Omit<Props, 'pipeline'> & { node: PipelineView['nodes'][number] }) {
  const standing = node.releases.flatMap((id) => releases.find((release) => release.id === id) ?? []);
  const last = releases.find((release) => release.through.includes(node.action));
  const chip = (release: ReleaseSummary, isPast: boolean) => (
    <button
      key={release.id}
      type="button"
      aria-pressed={release.id === lit}
      className={`chip ${isPast ? 'past' : `tone-${toneOf(release.state)}`}`}
      title={`${release.subject} – ${isPast ? 'passed' : release.state}`}
      onClick={() => onLight(release.id === lit ? undefined : release.id)}
    >
      {isPast && '✓ '}
      {short(release.commit)}
    </button>
  );
  return (
    <div className="chips">
      {standing.slice(0, chipsShown).map((release) => chip(release, false))}
      {standing.length > chipsShown && <span className="quiet small">+{standing.length - chipsShown}</span>}
      {standing.length === 0 && last !== undefined && chip(last, true)}
    </div>
  );
}

function pathOf(release: ReleaseSummary | undefined): ReadonlySet<string> {
  return new Set(release === undefined ? [] : [...release.through, ...release.standsOn]);
}
