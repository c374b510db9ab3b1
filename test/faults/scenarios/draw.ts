// What scenarios draw by the seed.
import type { Role } from '../../../services/profiles/roles.ts';
import type { Stage } from '../scenario.ts';

type Chance = Pick<Stage, 'random'>;

/** Uniform in [from, to). */
export function between(chance: Chance, from: number, to: number): number {
  return from + chance.random() * (to - from);
}

export function oneOf<T>(chance: Chance, list: readonly T[]): T {
  return list[Math.floor(chance.random() * list.length)]!;
}

/** Every one once, in any order. */
export function shuffled<T>(chance: Chance, list: readonly T[]): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(chance.random() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}

/** The name of a process of the role that is not stopped. */
export function someProcess(stage: Pick<Stage, 'random' | 'cluster'>, role: Role): string {
  const all = stage.cluster.processes().filter((process) => process.role === role && process.state !== 'stopped');
  return oneOf(stage, all).name;
}
