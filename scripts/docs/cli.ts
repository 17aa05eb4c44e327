// docs/reference/cli.md: every verb, argument and option, from the tree that `rollway --help` prints.
import type { Argument, Command, Option } from 'commander';
import { createProgram } from '../../src/cli/program.ts';

export async function cliReference(): Promise<string> {
  const program = await createProgram(() => undefined);
  const lines = [
    '# The `rollway` command',
    '',
    'Written by `npm run docs` from the command itself; do not edit. `rollway <verb> --help` says the same.',
    '',
    program.description(),
    '',
    'For every verb:',
    '',
    ...optionsOf(program),
  ];
  for (const command of program.commands) lines.push(...verbOf(command, 'rollway'));
  return `${lines
    .join('\n')
    .trimEnd()
    .replaceAll(/\n{3,}/g, '\n\n')}\n`;
}

function verbOf(command: Command, path: string): string[] {
  const name = `${path} ${command.name()}`;
  // A word that only groups others has no section of its own.
  const isGroup =
    command.commands.length > 0 && command.registeredArguments.length + shown(command.options).length === 0;
  const section = isGroup
    ? []
    : ['', `## \`${[name, ...command.registeredArguments.map(usageOf)].join(' ')}\``, '', sentence(command), ''].concat(
        optionsOf(command),
      );
  return [...section, ...command.commands.flatMap((child) => verbOf(child, name))];
}

function optionsOf(command: Command): string[] {
  const options = shown(command.options);
  if (options.length === 0) return [];
  return ['| option | meaning | default |', '|---|---|---|', ...options.map(rowOf), ''];
}

function shown(options: readonly Option[]): Option[] {
  return options.filter((option) => !option.hidden);
}

function rowOf(option: Option): string {
  const choices = option.argChoices ? ` (${option.argChoices.join(', ')})` : '';
  // `--no-x` is on unless it is given: that is no default to tell.
  const isSaid = option.defaultValue !== undefined && !option.negate;
  const fallback = option.mandatory ? 'required' : isSaid ? `\`${String(option.defaultValue)}\`` : '';
  return `| \`${option.flags.replaceAll('|', '\\|')}\` | ${option.description}${choices} | ${fallback} |`;
}

function usageOf(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? '…' : '');
  return argument.required ? `<${name}>` : `[${name}]`;
}

function sentence(command: Command): string {
  const text = command.description();
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
