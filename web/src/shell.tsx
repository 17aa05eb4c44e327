import { Link, Outlet } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useNow } from './live/use-now.ts';
import { useFreshness } from './live/use-topic.ts';
import { Help } from './parts/help.tsx';
import { Palette } from './parts/palette.tsx';
import { ago } from './words.ts';

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
  const freshness = useFreshness();
  return (
    <div className="shell" data-freshness={freshness.state}>
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
      <main id="main" tabIndex={-1}>
        {freshness.state === 'signed-out' ? <SignedOut /> : <Outlet />}
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

/** A small pulse with the age of the newest fact; says since when the page is stale. */
function Pulse() {
  const { state, heardAtMs } = useFreshness();
  const now = useNow();
  const words = {
    connecting: 'connecting …',
    live: 'live',
    stale: heardAtMs === undefined ? 'no connection' : `stale since ${ago(heardAtMs, now).replace(' ago', '')}`,
    'signed-out': 'signed out',
  }[state];
  return (
    <span className={`pulse pulse-${state}`} role="status">
      <i aria-hidden="true" />
      {words}
    </span>
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
