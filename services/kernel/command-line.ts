// What a person is told who typed an argument wrong.

/** The first sentence of what `parseArgs` of Node threw; it goes on with advice about positional arguments. */
export function argumentMistake(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\.(?:\s|$)|\n/)[0]!;
}
