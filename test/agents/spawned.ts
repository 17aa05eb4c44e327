// An agent in a process of its own, for tests that kill it: `node spawned.ts <options.json>`.
import { readFileSync } from 'node:fs';
import { type AgentOptions, runAgent } from '../../src/agent/index.ts';

const options = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as AgentOptions;
const ended = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => ended.abort());
await runAgent(options, ended.signal);
process.exit(0);
