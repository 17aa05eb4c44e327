import { useEffect, useState } from 'react';
import type { Person } from '../../../src/api/index.ts';
import { client } from '../client.ts';

let asked: Promise<Person> | undefined;

/** Whether who is signed in may change anything; undefined until it is known. What he may not do has no button. */
export function useMayOperate(): boolean | undefined {
  const [may, setMay] = useState<boolean | undefined>();
  useEffect(() => {
    let isGone = false;
    asked ??= client.getMe();
    asked.then(
      ({ role }) => !isGone && setMay(role === 'operator' || role === 'admin'),
      () => {
        asked = undefined;
      },
    );
    return () => {
      isGone = true;
    };
  }, []);
  return may;
}
