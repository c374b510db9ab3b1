/** A rebuild cannot begin, or cannot go on. One sentence or two: what, why, what to do. */
export class ReplayError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReplayError';
  }
}
