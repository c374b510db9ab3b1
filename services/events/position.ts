// A position names one record of one partition for ever, across re-creations of the topic (R10):
//
//   position = generation * 2^40 + offset            2^53 holds 8,192 generations of 10^12 records
//
// Positions of one partition compare as numbers. They are what state rows are true at (`asOf`), what outputs carry, and,
// as they are, the timestamps of Cassandra rows (R7).

const OFFSETS_PER_GENERATION = 2 ** 40;

export type Position = number;

/** Before the first record of any partition. */
export const NO_POSITION: Position = -1;

export function positionOf(generation: number, offset: number): Position {
  return generation * OFFSETS_PER_GENERATION + offset;
}

export function offsetOf(position: Position): number {
  return position % OFFSETS_PER_GENERATION;
}

export function generationOf(position: Position): number {
  return Math.floor(position / OFFSETS_PER_GENERATION);
}
