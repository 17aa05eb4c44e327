import { Link } from '@tanstack/react-router';
import type { VersionRef } from '../../../src/api/index.ts';
import { short } from '../words.ts';
import { CopyId } from './copy-id.tsx';

/** A version as people know it: short commit and message, which leads to its release. */
export function VersionLine({ version }: { version: VersionRef | null }) {
  if (version === null) return <span className="quiet">nothing yet</span>;
  return (
    <span className="version">
      <CopyId id={version.commit} shown={short(version.commit)} />
      {version.release === null ? (
        <span className="subject">{version.subject}</span>
      ) : (
        <Link to="/releases/$release" params={{ release: version.release }} className="subject plain">
          {version.subject}
        </Link>
      )}
    </span>
  );
}
