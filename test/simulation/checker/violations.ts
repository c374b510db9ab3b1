// What a seed, or a run on real processes, did wrong, in sentences. The first few say it all: one broken rule breaks many
// rows. Each is of a kind, which is what people ask for: was anything lost?

/**
 * lost: acknowledged, or decided, and not where it has to be
 * repeated: one message that became two, or was given twice
 * out_of_order: an order that is not the order of sending, or of the log
 * renumbered: a number that means two things
 * other: whatever else was promised
 */
export const VIOLATION_KINDS = ['lost', 'repeated', 'out_of_order', 'renumbered', 'other'] as const;
export type ViolationKind = (typeof VIOLATION_KINDS)[number];
export type ViolationCounts = Readonly<Record<ViolationKind, number>>;

const KEPT_MAX = 20;

export class Violations {
  readonly sentences: string[] = [];
  readonly #counts: Record<ViolationKind, number> = { lost: 0, repeated: 0, out_of_order: 0, renumbered: 0, other: 0 };

  add(sentence: string, kind: ViolationKind = 'other'): void {
    this.#counts[kind]++;
    if (this.sentences.length < KEPT_MAX && !this.sentences.includes(sentence)) this.sentences.push(sentence);
  }

  /** Takes over what someone else found. */
  addAll(others: Pick<Violations, 'counts'> & { readonly sentences: readonly string[] }): void {
    for (const kind of VIOLATION_KINDS) this.#counts[kind] += others.counts[kind];
    for (const sentence of others.sentences) {
      if (this.sentences.length < KEPT_MAX && !this.sentences.includes(sentence)) this.sentences.push(sentence);
    }
  }

  get count(): number {
    return VIOLATION_KINDS.reduce((sum, kind) => sum + this.#counts[kind], 0);
  }

  get counts(): ViolationCounts {
    return this.#counts;
  }
}
