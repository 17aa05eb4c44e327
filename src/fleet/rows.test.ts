import { openStore } from '../store/index.ts';
import { fleetRowsConformance } from './rows.conformance.ts';

fleetRowsConformance('SQLite', () => openStore({ kind: 'sqlite', path: ':memory:' }));
