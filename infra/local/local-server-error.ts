// Why the local servers cannot be had, for the person who asked for them: one line that says what, why and what to do.
export class LocalServerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LocalServerError';
  }
}
