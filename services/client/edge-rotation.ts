// Which edge is tried next. Each in random order, so that clients spread over the edges; every one of them before one is
// tried again; and the one tried last after all others: when it died, its clients need one attempt, elsewhere.
//
//   c b a (shuffled; from the end) ─▶ a ─▶ b ─▶ c, which is lost ─▶ shuffled anew, c first: c a b ─▶ b ─▶ a ─▶ c
import type { Runtime } from '../kernel/runtime.ts';
import { shuffled } from './backoff.ts';
import type { ClientOptions } from './client-options.ts';

export class EdgeRotation {
  readonly #edges: ClientOptions['edges'];
  readonly #runtime: Runtime;
  /** Of the list as it was told last; the next one stands at the end. */
  #untried: readonly string[] = [];
  #triedLast: string | null = null;

  constructor(edges: ClientOptions['edges'], runtime: Runtime) {
    this.#edges = edges;
    this.#runtime = runtime;
  }

  /** The same until it is `tried`. Rejects when there are no edges, and with what the application's function rejects with. */
  async next(): Promise<string> {
    if (this.#untried.length === 0) {
      const edges = typeof this.#edges === 'function' ? await this.#edges() : this.#edges;
      const order = shuffled(this.#runtime, edges);
      const isLast = (edge: string) => edge === this.#triedLast;
      this.#untried = [...order.filter(isLast), ...order.filter((edge) => !isLast(edge))];
    }
    const edge = this.#untried.at(-1);
    if (edge === undefined) throw new Error('there are no edges');
    return edge;
  }

  /** A connection to it is being opened. */
  tried(edge: string): void {
    this.#triedLast = edge;
    this.#untried = this.#untried.filter((other) => other !== edge);
  }
}
