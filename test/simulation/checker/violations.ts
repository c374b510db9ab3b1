// What a seed did wrong, in sentences. The first few say it all: one broken rule breaks many rows.

const KEPT_MAX = 20;

export class Violations {
  readonly sentences: string[] = [];
  count = 0;

  add(sentence: string): void {
    this.count++;
    if (this.sentences.length < KEPT_MAX && !this.sentences.includes(sentence)) this.sentences.push(sentence);
  }
}
