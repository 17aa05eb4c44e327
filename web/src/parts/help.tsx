import { Dialog } from './dialog.tsx';

const keys = [
  ['Ctrl K', 'find a service, release, host or action'],
  ['p', 'pause the rollout on the screen'],
  ['r', 'resume it'],
  ['← → ↑ ↓', 'walk over the tasks, when the field has the focus'],
  ['Enter', 'open the task'],
  ['?', 'this help'],
] as const;

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <h2>Keys</h2>
      <dl className="keys">
        {keys.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div className="actions">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
