// Why a start failed, for the person who started it: one line that says what, why, and what to do. No stack trace.
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}

/** The line for a server that could not listen, or the error itself. `setting`: where its port comes from. */
export function listenError(error: unknown, port: number, setting = 'PORT'): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    const message = `Port ${port} (${setting}) is taken by another process. Stop that process, or choose another port with ${setting}.`;
    return new StartError(message, { cause: error });
  }
  if (code === 'EACCES') {
    const message = `Port ${port} (${setting}) may not be opened by this user. Use one above 1023, or choose another port with ${setting}.`;
    return new StartError(message, { cause: error });
  }
  return error;
}
