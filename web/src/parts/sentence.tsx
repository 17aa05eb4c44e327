import { Link } from '@tanstack/react-router';
import { capital, shortId } from '../words.ts';

const pieces = /(`[^`]+`|\b(?:rel|ro|mark|op|run|v)_[0-9a-z]{6,64}\b)/;

/** A sentence of the server: ids in it can be followed, `code` looks like code. */
export function Sentence({ text }: { text: string }) {
  return capital(text)
    .split(pieces)
    .map((piece, i) => {
      if (i % 2 === 0) return piece;
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one sentence have no other name
      return <Piece key={i} piece={piece} />;
    });
}

function Piece({ piece }: { piece: string }) {
  if (piece.startsWith('`')) return <code>{piece.slice(1, -1)}</code>;
  const shown = <code title={piece}>{shortId(piece)}</code>;
  if (piece.startsWith('rel_')) {
    return (
      <Link to="/releases/$release" params={{ release: piece }}>
        {shown}
      </Link>
    );
  }
  if (piece.startsWith('ro_')) {
    return (
      <Link to="/rollouts/$rollout" params={{ rollout: piece }} search={{}}>
        {shown}
      </Link>
    );
  }
  if (piece.startsWith('mark_')) {
    return (
      <Link to="/marks/$mark" params={{ mark: piece }}>
        {shown}
      </Link>
    );
  }
  return shown;
}
