// What one user's rows come to: a verdict, and its reasons in words.
import type { Verdict } from './comparison.ts';

/** The first difference says enough: what comes behind it is usually shifted. */
export class OwnDifferences {
  readonly sentences: string[] = [];
  #verdict: Verdict = 'equal';
  readonly #isThere: boolean;

  /** `isThere`: whether the live stage says that it is as far as the cut. */
  constructor(isThere: boolean) {
    this.#isThere = isThere;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  different(sentence: string): void {
    this.#verdict = 'different';
    this.sentences.push(sentence);
  }

  /** The live tables may get it yet. */
  missing(sentence: string): void {
    if (this.#isThere) this.different(sentence);
    else this.undecided();
  }

  /** A later look can tell. */
  undecided(): void {
    if (this.#verdict !== 'different') this.#verdict = 'behind';
  }

  reordered(): void {
    if (this.#verdict === 'equal') this.#verdict = 'reordered';
  }
}
