// Writing and reading the compact binary of keys and values: numbers as 7-bit groups, text with its length before it.

/** Room for a value is taken from slabs of this size: lmdb looks up the address of a slab once. */
const SLAB_BYTES = 64 * 1024;

export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #start = 0;
  #at = 0;

  /** Begins a value; there will be room for `bytes_max`. Values handed out before stay as they are. */
  begin(bytes_max: number): this {
    if (this.#at + bytes_max > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes_max));
      this.#at = 0;
    }
    this.#start = this.#at;
    return this;
  }

  /** Begins again at the front: what was handed out before is overwritten. For keys, which lmdb copies at once. */
  beginAnew(): this {
    this.#start = 0;
    this.#at = 0;
    return this;
  }

  get length(): number {
    return this.#at - this.#start;
  }

  byte(value: number): this {
    this.#bytes[this.#at++] = value;
    return this;
  }

  /** A whole number of 0 to 2^53 - 1 in 1 to 8 bytes. */
  number(value: number): this {
    const bytes = this.#bytes;
    let rest = value;
    while (rest > 0x7fffffff) {
      bytes[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.#at++] = rest;
    return this;
  }

  /** A whole number of 0 to 2^53 - 1 in 7 bytes that sort like the number. */
  sortable(value: number): this {
    const high = Math.floor(value / 0x100000000);
    const low = value >>> 0;
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = high >>> 16;
    bytes[at++] = high >>> 8;
    bytes[at++] = high;
    bytes[at++] = low >>> 24;
    bytes[at++] = low >>> 16;
    bytes[at++] = low >>> 8;
    bytes[at++] = low;
    this.#at = at;
    return this;
  }

  /** Text of at most 127 UTF-16 units takes one byte more than its UTF-8, or two. */
  text(value: string): this {
    const bytes = this.#bytes;
    const { length } = value;
    if (length < 0x80) {
      // Almost every id is short ASCII: then its bytes are its units, and a loop beats a call into the runtime.
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
    this.number(size);
    this.#at += bytes.write(value, this.#at, 'utf8');
    return this;
  }

  blob(value: Uint8Array): this {
    this.number(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  end(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#at);
  }
}

/** An upper bound of what `text` takes. */
export function textBound(value: string): number {
  return 5 + value.length * 3;
}

export const NUMBER_BYTES_MAX = 8;

export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++]!;
  }

  number(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 128;
    }
  }

  sortable(): number {
    const high = this.#bytes.readUIntBE(this.#at, 3);
    const low = this.#bytes.readUInt32BE(this.#at + 3);
    this.#at += 7;
    return high * 0x100000000 + low;
  }

  text(): string {
    const size = this.number();
    const start = this.#at;
    this.#at += size;
    return this.#bytes.toString('utf8', start, this.#at);
  }

  /** A view: valid as long as the bytes read from. */
  blob(): Uint8Array {
    const size = this.number();
    const start = this.#at;
    this.#at += size;
    return this.#bytes.subarray(start, this.#at);
  }
}
