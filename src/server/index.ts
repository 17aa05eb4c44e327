/**
 * The server: HTTP for people (API, live updates, the built UI), TLS for agents, and the engine that runs the work of
 * all areas. `compose.ts` is the composition root; `handlers/` answer the routes of `api/`; `views/` turn what areas
 * read into what travels; `live/` streams it; `machine/` looks after the installation itself.
 */

export type { TokenFile } from './agents/index.ts';
export { openTrial } from './drivers/trial.ts';
export { readPlugin } from './plugins/load.ts';
export { limitsOf, readSettings, type ServerSettings, type SettingsOverride, storeOf } from './settings.ts';
export { type RunningServer, type StartOptions, startServer } from './start.ts';
