// 64-bit columns: bigint on the wire, numbers below 2^53 everywhere else.

/** @throws RangeError: a number that a bigint column would not give back as it was. */
export function toLong(value: number): bigint {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number below 2^53`);
  return BigInt(value);
}

/** @throws RangeError: a column that no number can hold, so not written by us. */
export function fromLong(value: unknown): number {
  if (typeof value !== 'bigint') throw new RangeError(`${String(value)} is not a 64-bit number`);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is above 2^53`);
  return number;
}

/** Rows of one partition: 4,096 inbox rows are 200 kB, so many timeline events of 300 bytes 1.5 MB. */
export const BUCKET_ROWS = 4096;

export function bucketOf(seq: number, bucket_rows: number): number {
  return Math.floor(seq / bucket_rows);
}
