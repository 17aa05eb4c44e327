/** The only place where the command reads environment variables. */
export interface CliEnvironment {
  readonly server: string | undefined;
  readonly tokenFile: string | undefined;
  readonly context: string | undefined;
  readonly isColour: boolean;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/**
 * `ROLLWAY_SERVER`, `ROLLWAY_TOKEN_FILE` and `ROLLWAY_CONTEXT` stand in for the flags of the same names; `NO_COLOR`
 * turns colour off, `FORCE_COLOR` on; without either it is on when the output is a terminal.
 */
export function readEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  isTty: boolean,
): CliEnvironment {
  const isForced = variables.FORCE_COLOR !== undefined && variables.FORCE_COLOR !== '0';
  const isOff = (variables.NO_COLOR ?? '') !== '' || variables.TERM === 'dumb';
  return {
    server: variables.ROLLWAY_SERVER,
    tokenFile: variables.ROLLWAY_TOKEN_FILE,
    context: variables.ROLLWAY_CONTEXT,
    isColour: isForced || (isTty && !isOff),
    variables,
  };
}
