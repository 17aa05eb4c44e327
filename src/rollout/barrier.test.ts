import { openStore } from '../store/index.ts';
import { barrierConformance } from './barrier.conformance.ts';

barrierConformance('SQLite', () => openStore({ kind: 'sqlite', path: ':memory:' }));
