/**
 * The operating system: processes, files, sockets, cgroups, Git. Each file implements a port of another area or does
 * one thing for the composition roots (server, agent, command line), which hand it to the others.
 */
export * from './blob-files.ts';
export * from './tree-files.ts';
