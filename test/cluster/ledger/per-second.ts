// How many of something there were in each second, for a picture of it.

export class PerSecond {
  readonly startedAt = performance.now();
  readonly #seconds: number[] = [];

  count(): void {
    const second = Math.floor((performance.now() - this.startedAt) / 1_000);
    this.#seconds[second] = (this.#seconds[second] ?? 0) + 1;
  }

  /** By the second since `startedAt`, up to the last in which there was one. */
  get seconds(): readonly number[] {
    return Array.from(this.#seconds, (count) => count ?? 0);
  }
}
