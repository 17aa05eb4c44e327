/**
 * The operating system: processes, files, sockets, cgroups, Git. Each file implements a port of another area or does
 * one thing for the composition roots (server, agent, command line), which hand it to the others.
 */
export * from './blob-files.ts';
export * from './cgroup.ts';
export * from './chance.ts';
export * from './clock.ts';
export { openConfigSandbox, type SandboxLimits, sandboxAbilities } from './config-sandbox.ts';
export * from './contexts.ts';
export * from './files.ts';
export * from './git.ts';
export * from './git-bundle.ts';
export * from './git-commits.ts';
export * from './git-heads.ts';
export * from './git-tidy.ts';
export * from './git-tree.ts';
export * from './pinned-tls.ts';
export * from './ports.ts';
export * from './process.ts';
export * from './repository-facts.ts';
export * from './sample-files.ts';
export * from './sockets.ts';
export * from './task-control-call.ts';
export * from './tree-files.ts';
export * from './verdict-files.ts';
