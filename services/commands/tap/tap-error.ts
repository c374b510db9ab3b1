// What the person who ran the command must put right, or hear. The command prints the message on one line.

/** A wrong argument, setting, folder or address: exit code 2, nothing was written. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** The tap began and could not go on: exit code 1. Whole files stay; the same command goes on behind them. */
export class TapFailed extends Error {
  override readonly name = 'TapFailed';
}
