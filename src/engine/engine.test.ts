import { openStore } from '../store/index.ts';
import { engineConformance } from './conformance.ts';

engineConformance('SQLite in memory', () => openStore({ kind: 'sqlite', path: ':memory:' }));
