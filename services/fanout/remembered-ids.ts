// The ids of a conversation that took a seq, for as long as they may come again. A busy conversation has hundreds of
// thousands of them, so they are kept compact: about 120 bytes an id.
//
// Every seq is one id, and times never fall: what is remembered are the ids of the last seqs without a gap.
//
//   keys    [ forgotten … | k17, k18, k19 ]        seq of keys[#start] is #firstSeq
//   times   [ forgotten … | t17, t18, t19 ]

export interface RememberedId {
  readonly seq: number;
  /** The event's time. */
  readonly time: number;
}

export class RememberedIds {
  readonly #seqs = new Map<string, number>();
  #keys: string[] = [];
  #times: number[] = [];
  #start = 0;
  #firstSeq = 0;

  get size(): number {
    return this.#seqs.size;
  }

  find(sender: string, commandId: string): RememberedId | undefined {
    const seq = this.#seqs.get(keyOf(sender, commandId));
    return seq === undefined ? undefined : { seq, time: this.#times[this.#start + seq - this.#firstSeq]! };
  }

  /** `seq` is one above the last one. */
  add(sender: string, commandId: string, seq: number, time: number): void {
    if (this.size === 0) this.#firstSeq = seq;
    const key = keyOf(sender, commandId);
    this.#seqs.set(key, seq);
    this.#keys.push(key);
    this.#times.push(time);
  }

  /** Forgets what is older than `oldest`. */
  forgetBefore(oldest: number): void {
    const start = this.#start;
    while (this.#start < this.#times.length && this.#times[this.#start]! < oldest) {
      this.#seqs.delete(this.#keys[this.#start]!);
      this.#start++;
    }
    if (this.#start === start) return;
    this.#firstSeq += this.#start - start;
    if (this.#start * 2 < this.#times.length) return;
    this.#keys = this.#keys.slice(this.#start);
    this.#times = this.#times.slice(this.#start);
    this.#start = 0;
  }

  /** Oldest first. For comparing states. */
  *[Symbol.iterator](): Generator<readonly [string, RememberedId]> {
    for (let i = this.#start; i < this.#keys.length; i++)
      yield [this.#keys[i]!, { seq: this.#firstSeq + i - this.#start, time: this.#times[i]! }];
  }
}

/** Command ids have one length, so the two cannot run into each other. */
function keyOf(sender: string, commandId: string): string {
  return commandId + sender;
}
