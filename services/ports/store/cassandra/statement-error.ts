/** A statement that must not be issued: a bug, not a failure of the store. Never retried. */
export class ForbiddenStatementError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ForbiddenStatementError';
  }
}
