import type { Core } from './core.ts';
import { transact } from './core.ts';
import { takeOverEffects, unparkEffects } from './effects-rows.ts';
import { findNote, recordNote } from './notes-rows.ts';
import { takeOverWork, unparkWork } from './work-rows.ts';

const versionNote = 'program-version';

/** Once per engine, before its first claim: takes over what a former process left, and what an upgrade may have cured. */
export async function recoverOnce(core: Core): Promise<void> {
  if (core.isRecovered) return;
  const { settings, processId, store } = core;
  await transact(core, { what: 'claim', kind: 'recover', key: processId }, async (tx) => {
    const now = core.clock.nowMs();
    if (settings.isSoleProcess ?? store.kind === 'sqlite') {
      await takeOverWork(tx, processId, now);
      await takeOverEffects(tx, processId, now);
    }
    if ((await findNote(tx, versionNote)) !== settings.programVersion) {
      await recordNote(tx, versionNote, settings.programVersion);
      await unparkWork(tx, 'all', now);
      await unparkEffects(tx, 'all', now);
    }
    return true;
  });
  core.isRecovered = true;
}
