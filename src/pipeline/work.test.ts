import { openStore } from '../store/index.ts';
import { pipelineConformance } from './work.conformance.ts';

pipelineConformance('SQLite', () => openStore({ kind: 'sqlite', path: ':memory:' }));
