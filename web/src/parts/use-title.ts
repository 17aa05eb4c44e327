import { useEffect } from 'react';

/** What the tab and the history call this view. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? 'Rollway' : `${title} – Rollway`;
  }, [title]);
}
