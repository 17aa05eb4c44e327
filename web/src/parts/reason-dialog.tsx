import type { CommandView } from '../../../src/api/index.ts';
import { ReasonForm } from './reason-form.tsx';

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
  const sendIt = async (reason: string) => {
    const answer = await send(reason);
    if (answer?.outcome?.ok === false) return answer.outcome.detail;
    onClose();
    return undefined;
  };
  return (
    <ReasonForm title={title} word={title} needsReason={needsReason} send={sendIt} onClose={onClose}>
      <p>{effect}</p>
    </ReasonForm>
  );
}
