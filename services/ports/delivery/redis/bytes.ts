// Compact binary: numbers as 7-bit groups, texts and blobs with their length before them.

const FIRST_BYTES = 1_024;

export class ByteSink {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
    return this;
  }

  /** A whole number of 0 to 2^53 - 1. */
  number(value: number): this {
    this.#reserve(8);
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x7f) {
      bytes[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    bytes[this.#at++] = rest;
    return this;
  }

  text(value: string): this {
    const { length } = value;
    if (length < 0x80) {
      // Almost every id is short ASCII: then its bytes are its units, and a loop beats a call into the runtime.
      this.#reserve(length + 1);
      const bytes = this.#bytes;
      const start = this.#at + 1;
      let i = 0;
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 0x7f) break;
        bytes[start + i] = unit;
      }
      if (i === length) {
        bytes[this.#at] = length;
        this.#at = start + length;
        return this;
      }
    }
    const size = Buffer.byteLength(value, 'utf8');
    this.number(size).#reserve(size);
    this.#at += this.#bytes.write(value, this.#at, 'utf8');
    return this;
  }

  blob(value: Uint8Array): this {
    this.number(value.length).#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  end(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(size: number): void {
    const needed = this.#at + size;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** Reads past the end give zeros and set `overrun`. */
export class ByteSource {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  get overrun(): boolean {
    return this.#at > this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  number(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 128;
    }
  }

  text(): string {
    const size = this.number();
    const start = this.#at;
    this.#at += size;
    return this.#bytes.toString('utf8', start, this.#at);
  }

  blob(): Buffer {
    const size = this.number();
    const start = this.#at;
    this.#at += size;
    return this.#bytes.subarray(start, this.#at);
  }

  /** Ends with the bytes, whatever length was declared. */
  list<T>(read: () => T): T[] {
    const length = this.number();
    const items: T[] = [];
    for (let i = 0; i < length && !this.overrun; i++) items.push(read());
    return items;
  }
}
