import { type FormEvent, type ReactNode, useState } from 'react';
import { problemOf } from '../client.ts';
import { Dialog } from './dialog.tsx';

interface Props {
  readonly title: string;
  /** On the button that sends it. */
  readonly word: string;
  readonly kind?: 'accent' | 'danger';
  readonly needsReason?: boolean;
  /** What is asked besides the reason is there. */
  readonly isReady?: boolean;
  readonly children: ReactNode;
  /** Does it, and what follows; resolves to what was refused, in a sentence, or to nothing. */
  readonly send: (reason: string) => Promise<string | undefined>;
  readonly onClose: () => void;
}

/** A dialog that ends with a reason: sends it once, and shows what was refused. */
export function ReasonForm({ title, word, kind = 'accent', needsReason = true, isReady = true, ...props }: Props) {
  const [reason, setReason] = useState('');
  const [isSending, setIsSending] = useState(false);
  const [refusal, setRefusal] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setIsSending(true);
    try {
      setRefusal(await props.send(reason.trim()));
    } catch (error) {
      const { title: what, detail, remedy } = problemOf(error);
      setRefusal(`${what}: ${detail} ${remedy}`);
    }
    setIsSending(false);
  };
  const isComplete = isReady && (!needsReason || reason.trim() !== '');
  return (
    <Dialog title={title} onClose={props.onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2>{title}</h2>
        {props.children}
        <label>
          Reason{needsReason ? '' : ' (optional)'}
          <textarea rows={2} maxLength={1000} value={reason} onChange={(event) => setReason(event.target.value)} />
        </label>
        {refusal !== undefined && (
          <p className="problem" role="alert">
            {refusal}
          </p>
        )}
        <div className="actions">
          <button type="button" onClick={props.onClose}>
            Cancel
          </button>
          <button type="submit" className={kind} disabled={isSending || !isComplete}>
            {isSending ? 'Sending …' : word}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
