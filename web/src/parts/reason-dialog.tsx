import { type FormEvent, useState } from 'react';
import type { CommandView } from '../../../src/api/index.ts';
import { problemOf } from '../client.ts';
import { Dialog } from './dialog.tsx';

interface Props {
  readonly title: string;
  /** What it will do: `Takes 3 tasks back, about 40 s`. */
  readonly effect: string;
  readonly needsReason: boolean;
  readonly send: (reason: string) => Promise<CommandView | undefined>;
  readonly onClose: () => void;
}

/** Asks for the reason, sends the command, and shows what became of it. */
export function ReasonDialog({ title, effect, needsReason, send, onClose }: Props) {
  const [reason, setReason] = useState('');
  const [state, setState] = useState<{ isSending: boolean; message?: string }>({ isSending: false });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setState({ isSending: true });
    try {
      const answer = await send(reason.trim());
      if (answer?.outcome?.ok === false) setState({ isSending: false, message: answer.outcome.detail });
      else onClose();
    } catch (error) {
      const { title, detail, remedy } = problemOf(error);
      setState({ isSending: false, message: `${title}: ${detail}. ${remedy}` });
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2>{title}</h2>
        <p>{effect}</p>
        <label>
          Reason{needsReason ? '' : ' (optional)'}
          <textarea rows={2} maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        {state.message !== undefined && (
          <p className="problem" role="alert">
            {state.message}
          </p>
        )}
        <div className="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="accent" disabled={state.isSending || (needsReason && reason.trim() === '')}>
            {state.isSending ? 'Sending …' : title}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
