// What live tables and rebuilt ones do not agree on: all counted, the first ones in words.

const SENTENCES_MAX = 20;

export class Differences {
  readonly sentences: string[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(sentence: string): void {
    this.#count++;
    if (this.sentences.length < SENTENCES_MAX) this.sentences.push(sentence);
  }
}
