import { useState } from 'react';

/** A short id; one click copies the whole. */
export function CopyId({ id, shown }: { id: string; shown?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(id).catch(() => undefined);
    setCopied(true);
    setTimeout(() => setCopied(false), 1200);
  };
  return (
    <button type="button" className="id" title={`${id} – click to copy`} onClick={() => void copy()}>
      {isCopied ? 'copied' : (shown ?? id)}
    </button>
  );
}
