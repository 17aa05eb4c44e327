import { Command, CommanderError, Option } from 'commander';
import { describeProblem, exitCodes, problemIn } from './failure.ts';
import { interruptSignal } from './interrupt.ts';
import { type GlobalFlags, openSession, outputOf, type Session } from './session.ts';

/** A verb that speaks to a server. Returns the exit code, nothing when all is well; its flags are its own to describe. */
export type Verb = (session: Session, args: readonly string[], flags: never) => Promise<number | undefined>;

/** A verb that needs no server. */
export type LocalVerb = (args: readonly string[], flags: never, signal: AbortSignal) => Promise<number | undefined>;

type Load<T> = () => Promise<T>;

/** Runs one command line; the exit code comes back. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = await createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end with 0; a wrong command line has been explained already.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  }
  return exitCode;
}

/** The whole command with all its verbs, none of them loaded yet; `onExit` hears how a verb ended. */
export async function createProgram(onExit: (code: number) => void): Promise<Command> {
  const program = new Command('rollway')
    .description('Takes every change from commit to every machine, in place, and takes back what is bad.')
    .option('--server <url>', 'address of the server')
    .option('--token-file <file>', 'file that holds your token')
    .option('--context <name>', 'a server known by name')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table'))
    .option('--no-color', 'no colour')
    .showHelpAfterError('(run with --help for what it takes)')
    .exitOverride();
  program.configureHelp({ showGlobalOptions: true });

  const settle = async (flags: GlobalFlags, work: () => Promise<number | undefined>) => {
    try {
      onExit((await work()) ?? exitCodes.done);
    } catch (error) {
      onExit(report(error, flags));
    }
  };
  /** `verb('status [service]', 'what it does', () => import(…), (command) => command.option(…))` */
  const declare = (parent: Command, usage: string, description: string, shape: (command: Command) => Command) => {
    const command = parent.command(usage).description(description).exitOverride();
    return shape(command);
  };
  const verb = (
    parent: Command,
    usage: string,
    description: string,
    load: Load<{ run: Verb }>,
    shape: (command: Command) => Command = (command) => command,
  ) => {
    const command = declare(parent, usage, description, shape);
    command.action(async (...given: unknown[]) => {
      const flags = command.optsWithGlobals() as GlobalFlags;
      await settle(flags, async () => {
        const { run } = await load();
        return run(await openSession(flags, interruptSignal()), texts(given), flags as never);
      });
    });
    return command;
  };
  const localVerb = (
    parent: Command,
    usage: string,
    description: string,
    load: Load<{ run: LocalVerb }>,
    shape: (command: Command) => Command = (command) => command,
  ) => {
    const command = declare(parent, usage, description, shape);
    command.action(async (...given: unknown[]) => {
      const flags = command.optsWithGlobals() as GlobalFlags;
      await settle(flags, async () => (await load()).run(texts(given), flags as never, interruptSignal()));
    });
    return command;
  };

  const { declareVerbs } = await import('./verbs.ts');
  declareVerbs(program, { verb, localVerb });
  return program;
}

export type DeclareVerb = (
  parent: Command,
  usage: string,
  description: string,
  load: Load<{ run: Verb }>,
  shape?: (command: Command) => Command,
) => Command;
export type DeclareLocalVerb = (
  parent: Command,
  usage: string,
  description: string,
  load: Load<{ run: LocalVerb }>,
  shape?: (command: Command) => Command,
) => Command;

/** The arguments commander hands over before its options and itself; those left out are left out. */
function texts(given: readonly unknown[]): string[] {
  return given
    .slice(0, -2)
    .flatMap((value) => (Array.isArray(value) ? value : value === undefined ? [] : [value])) as string[];
}

function report(error: unknown, flags: GlobalFlags): number {
  const out = outputOf(flags);
  const problem = problemIn(error);
  if (problem === undefined) {
    if ((error as Error)?.name === 'AbortError') return 130;
    console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return exitCodes.error;
  }
  if (out.format === 'json') console.error(JSON.stringify({ problem }, null, 2));
  else for (const line of describeProblem(problem, out.style)) console.error(line);
  return exitCodes.error;
}
