// Which fold decides: a `FoldVersion` record in the log switches it on, partition by partition; a deploy never does (R1).
import { step } from './fold-conversation.ts';

/** In force where no FoldVersion record stands. */
export const FIRST_FOLD_VERSION = 1;

const versions: ReadonlyMap<number, typeof step> = new Map([[FIRST_FOLD_VERSION, step]]);

/** undefined: this process is older than the log and must stop there. */
export function foldOfVersion(version: number): typeof step | undefined {
  return versions.get(version);
}
