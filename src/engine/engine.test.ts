import { openStore } from '../store/index.ts';
import { engineConformance } from './conformance.ts';
import { runDueConformance } from './run-due.conformance.ts';

const openEmpty = () => openStore({ kind: 'sqlite', path: ':memory:' });

engineConformance('SQLite in memory', openEmpty);
runDueConformance('SQLite in memory', 25, openEmpty);
