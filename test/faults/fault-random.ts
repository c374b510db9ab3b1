// Chance that is the same for the same seed and scenario, whichever scenarios run before it.
import { createHash } from 'node:crypto';
import { Random } from '../simulation/kernel/random.ts';

export function randomOf(seed: number, scenario: string): Random {
  return new Random(createHash('sha256').update(`${seed} ${scenario}`).digest().readInt32BE(0));
}
