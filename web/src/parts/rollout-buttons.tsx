import { useEffect, useState } from 'react';
import type { LegalCommand, RolloutDetail } from '../../../src/api/index.ts';
import { client, once } from '../client.ts';
import { isTyping } from '../shell.tsx';
import { ReasonDialog } from './reason-dialog.tsx';

const words: Readonly<Record<LegalCommand['command'], string>> = {
  pause: 'Pause',
  resume: 'Resume',
  abort: 'Abort',
  revert: 'Roll back',
  promote: 'Promote',
  'skip-bake': 'Skip the wait',
  'raise-budget': 'Raise the budget',
  'hold-after': 'Hold after a phase',
  'pass-barrier': 'Go on without the others',
  'override-controller': 'Override the controller',
  'confirm-override': 'Confirm the override',
};
/** Commands that have a button; the others are for the command line. */
const buttons: readonly LegalCommand['command'][] = [
  'skip-bake',
  'promote',
  'pause',
  'resume',
  'revert',
  'pass-barrier',
  'override-controller',
  'confirm-override',
];
const looks: Readonly<Record<string, string>> = { revert: 'danger', promote: 'quiet', 'skip-bake': 'quiet' };

/** What a person may tell this rollout now; each asks for a reason and says what it will do. */
export function RolloutButtons({ rollout }: { rollout: RolloutDetail }) {
  const [asked, setAsked] = useState<LegalCommand | undefined>();
  const { commands } = rollout;
  useCommandKeys(commands, setAsked);
  return (
    <div className="actions">
      {buttons
        .flatMap((name) => commands.find((each) => each.command === name) ?? [])
        .map((command) => (
          <button
            key={command.command}
            type="button"
            className={looks[command.command] ?? ''}
            title={command.effect}
            onClick={() => setAsked(command)}
          >
            {words[command.command]}
          </button>
        ))}
      {asked !== undefined && (
        <ReasonDialog
          title={words[asked.command]}
          effect={asked.effect}
          needsReason={asked.needsReason}
          onClose={() => setAsked(undefined)}
          send={(reason) =>
            client.commandRollout(
              {
                params: { rollout: rollout.id },
                body: { command: asked.command, ...(reason === '' ? {} : { reason }) },
              },
              { ...once(), ifMatch: rollout.etag },
            )
          }
        />
      )}
    </div>
  );
}

function useCommandKeys(commands: readonly LegalCommand[], ask: (command: LegalCommand) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const name = { p: 'pause', r: 'resume' }[event.key];
      const command = commands.find((each) => each.command === name);
      if (command === undefined) return;
      event.preventDefault();
      ask(command);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [commands, ask]);
}
