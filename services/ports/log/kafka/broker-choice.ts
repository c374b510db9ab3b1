// Which broker to ask about the cluster: each in turn, as any may be cut off from the others and know only the past; not
// one that did not answer lately.
import type { Runtime } from '../../../kernel/runtime.ts';

/** Longer than a frozen broker is missed by the others, shorter than a restart. */
const SUSPECT_MS = 10_000;

export class BrokerChoice {
  readonly #runtime: Runtime;
  /** By node id; monotonic. */
  readonly #suspectedAt = new Map<string, number>();
  readonly #askedAt = new Map<string, number>();
  #questions = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** It did not answer, or could not be reached. */
  suspect(nodeId: string): void {
    this.#suspectedAt.set(nodeId, this.#runtime.monotonic());
  }

  /** Of these the one that was not asked for longest; null: all are under suspicion, or there are none. */
  next(nodeIds: readonly string[]): string | null {
    let chosen: string | null = null;
    for (const nodeId of nodeIds) {
      if (this.#isSuspect(nodeId)) continue;
      if (chosen === null || this.#turnOf(nodeId) < this.#turnOf(chosen)) chosen = nodeId;
    }
    if (chosen !== null) this.#askedAt.set(chosen, ++this.#questions);
    return chosen;
  }

  #turnOf(nodeId: string): number {
    return this.#askedAt.get(nodeId) ?? 0;
  }

  #isSuspect(nodeId: string): boolean {
    const since = this.#suspectedAt.get(nodeId);
    return since !== undefined && this.#runtime.monotonic() - since < SUSPECT_MS;
  }
}
