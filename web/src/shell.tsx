import { Link, Outlet } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useNow } from './live/use-now.ts';
import { useFreshness } from './live/use-topic.ts';
import { Help } from './parts/help.tsx';
import { Palette } from './parts/palette.tsx';
import { ago, clock } from './words.ts';

/** The frame around every screen: where one can go, and whether what is shown is live. */
export function Shell() {
  const [open, setOpen] = useState<'palette' | 'help' | undefined>();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setOpen('palette');
      } else if (event.key === '?' && !isTyping(event.target)) setOpen('help');
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  const { state } = useFreshness();
  return (
    <div className="shell" data-freshness={state}>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="bar">
        <Link to="/" className="brand">
          Rollway
        </Link>
        <nav aria-label="Main">
          <Link to="/" activeOptions={{ exact: true }}>
            Services
          </Link>
          <Link to="/marks">Marks</Link>
          <Link to="/hosts">Hosts</Link>
        </nav>
        <button type="button" className="quiet find" onClick={() => setOpen('palette')}>
          Find <kbd>Ctrl K</kbd>
        </button>
        <Pulse />
      </header>
      <StaleBanner />
      <main id="main" tabIndex={-1}>
        {state === 'signed-out' ? <SignedOut /> : <Outlet />}
      </main>
      {open === 'palette' && <Palette onClose={() => setOpen(undefined)} />}
      {open === 'help' && <Help onClose={() => setOpen(undefined)} />}
    </div>
  );
}

export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  );
}

const pulseWords = {
  idle: '',
  connecting: 'connecting …',
  live: 'live',
  stale: 'stale',
  'signed-out': 'signed out',
} as const;

/** A small pulse, with the age of the newest fact. */
function Pulse() {
  const { state, changedAtMs } = useFreshness();
  return (
    <span className={`pulse pulse-${state}`}>
      <i aria-hidden="true" />
      <span role="status">{pulseWords[state]}</span>
      {state === 'live' && changedAtMs !== undefined && <Newest atMs={changedAtMs} />}
    </span>
  );
}

function Newest({ atMs }: { atMs: number }) {
  const now = useNow();
  return (
    <time className="num newest" title={`The newest fact came at ${clock(atMs)}`}>
      {ago(atMs, now)}
    </time>
  );
}

/** Says since when nothing was heard; what was shown stays, and is never passed off as new. */
function StaleBanner() {
  const { state, heardAtMs } = useFreshness();
  if (state !== 'stale') return null;
  return (
    <p className="stale-banner" role="alert">
      {heardAtMs === undefined
        ? 'There is no connection to the server. '
        : `No word from the server since ${clock(heardAtMs)}: this page shows what was so then. `}
      Trying again …
    </p>
  );
}

function SignedOut() {
  return (
    <section className="empty">
      <h1>Sign in</h1>
      <p>
        Run <code>rollway ui</code> and open the link it prints: it signs this browser in.
      </p>
    </section>
  );
}

export function NotFound() {
  return (
    <section className="empty">
      <h1>There is nothing here</h1>
      <p>
        The address may be old. <Link to="/">See all services</Link>
      </p>
    </section>
  );
}
