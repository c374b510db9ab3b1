// What the person who ran the command must put right. The command prints the message on one line.

/** A wrong argument, file, key or address: exit code 2, nothing was sent. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
}

/** The import began and could not go on: exit code 1. */
export class ImportFailed extends Error {
  override readonly name = 'ImportFailed';
}
