// What happened, as a running hash and, if asked for, as text. The same seed must give the same hash.

export class Trace {
  #hash = 0x811c9dc5;
  readonly #hashes = new Map<string, number>();
  readonly lines: string[] | null;

  constructor(keep: boolean) {
    this.lines = keep ? [] : null;
  }

  /** `detail` is only built when the text is kept; what decides goes into `label` or `number`. */
  add(time_ms: number, owner: string, label: string, number = 0, detail?: () => string): void {
    this.#mix(this.#hashOf(owner));
    this.#mix(this.#hashOf(label));
    this.#mix(Math.floor(time_ms * 1000) | 0);
    this.#mix(number | 0);
    if (this.lines === null) return;
    this.lines.push(`${time_ms.toFixed(3).padStart(12)}  ${owner.padEnd(12)} ${label} ${detail?.() ?? ''}`.trimEnd());
  }

  /** Words for a reader, no part of the hash. */
  note(time_ms: number, owner: string, text: string): void {
    this.lines?.push(`${time_ms.toFixed(3).padStart(12)}  ${owner.padEnd(12)} ${text}`);
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193) ^ (this.#hash >>> 15);
  }

  // Labels are few and come often: each is hashed once.
  #hashOf(text: string): number {
    let hash = this.#hashes.get(text);
    if (hash !== undefined) return hash;
    hash = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.#hashes.set(text, hash);
    return hash;
  }
}
