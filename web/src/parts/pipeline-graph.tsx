import { Link } from '@tanstack/react-router';
import type { PipelineView, ReleaseSummary } from '../../../src/api/index.ts';
import { short } from '../words.ts';

interface Props {
  readonly pipeline: PipelineView;
  readonly releases: readonly ReleaseSummary[];
  /** The release whose path is lit. */
  readonly lit: string | undefined;
  readonly onLight: (release: string | undefined) => void;
}

const boxWidth = 150;
const boxHeight = 64;
const gapX = 44;
const gapY = 20;

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

/** The pipeline from left to right, with the releases as chips on the action they are in. */
export function PipelineGraph({ pipeline, releases, lit, onLight }: Props) {
  const places = layOut(pipeline.nodes);
  const width = Math.max(...[...places.values()].map((place) => place.x)) + boxWidth;
  const height = Math.max(...[...places.values()].map((place) => place.y)) + boxHeight;
  const byId = new Map(releases.map((release) => [release.id as string, release]));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways
    <section className="scroll pipeline" tabIndex={0} aria-label="Pipeline, left to right">
      <div className="canvas" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {pipeline.nodes.flatMap((node) =>
            node.needs.map((need) => {
              const from = places.get(need);
              const to = places.get(node.action);
              if (from === undefined || to === undefined) return null;
              const [x1, y1, x2, y2] = [from.x + boxWidth, from.y + boxHeight / 2, to.x, to.y + boxHeight / 2];
              return (
                <path
                  key={`${need} ${node.action}`}
                  d={`M${x1} ${y1}C${x1 + gapX / 2} ${y1} ${x2 - gapX / 2} ${y2} ${x2} ${y2}`}
                  className="edge"
                />
              );
            }),
          )}
        </svg>
        {pipeline.nodes.map((node) => {
          const place = places.get(node.action) ?? { x: 0, y: 0 };
          return (
            <div
              key={node.action}
              className="node"
              style={{ left: place.x, top: place.y, width: boxWidth, height: boxHeight }}
            >
              <div className="line">
                <strong>{node.action}</strong>
                <span className="quiet">{node.environment ?? node.type}</span>
              </div>
              <div className="chips">
                {node.releases.slice(0, 3).map((id) => (
                  <Link
                    key={id}
                    to="/releases/$release"
                    params={{ release: id }}
                    className={id === lit ? 'chip lit' : 'chip'}
                    onPointerEnter={() => onLight(id)}
                    onPointerLeave={() => onLight(undefined)}
                  >
                    {short(byId.get(id)?.commit ?? id)}
                  </Link>
                ))}
                {node.releases.length > 3 && <span className="quiet">+{node.releases.length - 3}</span>}
              </div>
            </div>
          );
        })}
      </div>
    </section>
  );
}
