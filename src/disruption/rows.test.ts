import { openStore } from '../store/index.ts';
import { disruptionRowsConformance } from './rows.conformance.ts';

disruptionRowsConformance('SQLite', () => openStore({ kind: 'sqlite', path: ':memory:' }));
