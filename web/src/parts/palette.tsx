import { useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { client } from '../client.ts';
import { short } from '../words.ts';
import { Dialog } from './dialog.tsx';

interface Entry {
  readonly kind: string;
  readonly text: string;
  readonly to: string;
}

const fixed: readonly Entry[] = [
  { kind: 'page', text: 'Services', to: '/' },
  { kind: 'page', text: 'Marks', to: '/marks' },
  { kind: 'page', text: 'Hosts', to: '/hosts' },
];

/** Everything that has an address, by its name. */
async function findEntries(): Promise<Entry[]> {
  const [services, rollouts, hosts] = await Promise.all([
    client.listServices(),
    client.listRollouts({ query: { limit: 30 } }),
    client.listHosts(),
  ]);
  const releases = await Promise.all(
    services.items.map((item) => client.listReleases({ params: { service: item.name }, query: { limit: 20 } })),
  );
  return [
    ...fixed,
    ...services.items.map((item) => ({ kind: 'service', text: item.name, to: `/services/${item.name}` })),
    ...rollouts.items.map((item) => ({
      kind: 'rollout',
      text: `${item.job} ${item.state} ${item.to === null ? '' : `${short(item.to.commit)} ${item.to.subject}`}`,
      to: `/rollouts/${item.id}`,
    })),
    ...releases
      .flatMap((page) => page.items)
      .map((item) => ({ kind: 'release', text: `${short(item.commit)} ${item.subject}`, to: `/releases/${item.id}` })),
    ...hosts.items.map((item) => ({ kind: 'host', text: item.id, to: `/hosts#${item.id}` })),
  ];
}

/** Ctrl K: type part of a name, arrows choose, Enter goes there. */
export function Palette({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [entries, setEntries] = useState<readonly Entry[]>(fixed);
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    findEntries()
      .then((found) => isCurrent && setEntries(found))
      .catch(() => undefined);
    return () => {
      isCurrent = false;
    };
  }, []);
  const found = useMemo(() => {
    const words = text
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    return entries
      .filter((entry) => words.every((word) => `${entry.kind} ${entry.text}`.toLowerCase().includes(word)))
      .slice(0, 12);
  }, [entries, text]);
  const go = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    onClose();
    void navigate({ to: entry.to });
  };
  return (
    <Dialog title="Find" onClose={onClose}>
      <input
        className="search"
        role="combobox"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant={found[at] === undefined ? undefined : `found-${at}`}
        aria-label="Find a service, release, rollout or host"
        placeholder="Find a service, release, rollout or host"
        value={text}
        autoFocus
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1));
          else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
          else if (event.key === 'Enter') go(found[at]);
          else return;
          event.preventDefault();
        }}
      />
      <div id="found" role="listbox" aria-label="Found" className="found">
        {found.map((entry, i) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the input
          // biome-ignore lint/a11y/useKeyWithClickEvents: Enter in the input does the same
          <div
            key={entry.to}
            id={`found-${i}`}
            role="option"
            aria-selected={i === at}
            className={i === at ? 'option chosen' : 'option'}
            onClick={() => go(entry)}
          >
            <span className="quiet">{entry.kind}</span> {entry.text}
          </div>
        ))}
      </div>
    </Dialog>
  );
}
