// What a rebuild keeps, so that it goes on where it was: written after everything that it speaks of.
import type { TopicName } from '../events/topics.ts';
import type { Sources } from '../inbox/folding.ts';

/** The topic that inboxes are numbered from. Timelines and conversations always come from `messages`. */
export type ReplaySource = Extract<TopicName, 'messages' | 'inbox'>;

export interface RebuildState {
  /** The set of tables that is filled. */
  readonly tables: number;
  readonly from: ReplaySource;
  /** Partitions of `from` that are read alone; null: all. Only the whole is gone on with. */
  readonly only: readonly number[] | null;
  /** One run of the command; and when it was last heard of, by its clock. */
  owner: string;
  at: number;
  /** Records of `messages` merged so far. */
  ordinal: number;
  /** By partition: everything below is done. */
  readonly next: { readonly messages: number[]; readonly inbox: number[] };
  /** By partition: where the pass under way ends, so that it is the same pass after a crash. */
  readonly ends: { messages: number[]; inbox: number[] };
  /**
   * By partition: where the live stage goes on with this set; null: at the beginning. From `messages` it is where `inbox` ended
   * when a pass began whose commands are all decided; what is in the set already is dropped by its source.
   */
  inboxGoesOnAt: number[] | null;
  /** What earlier passes read: `inbox` up to there was decided from `messages` up to there. The newest last. */
  reaches: { readonly messages: readonly number[]; readonly inbox: readonly number[] }[];
  /** By partition of `messages`. */
  readonly foldVersions: number[];
  /** By partition of `inbox`. */
  readonly sources: Sources[];
}

const FORMAT = 2;
/** Nothing but the number of the last set, and of a run that is just beginning its name. */
const FORMAT_OF_NONE = 0;

export function encodeRebuildState(state: RebuildState): string {
  return JSON.stringify({ format: FORMAT, ...state });
}

/** null: there is none, or one of a version that we do not know, which is begun anew. */
export function decodeRebuildState(text: string | null): RebuildState | null {
  if (text === null || text === '') return null;
  const { format, ...state } = JSON.parse(text) as RebuildState & { readonly format: number };
  return format === FORMAT ? state : null;
}

/** When none is under way any more. A set's number is used once: `tables` is the last one. */
export function noRebuild(tables: number): string {
  return JSON.stringify({ format: FORMAT_OF_NONE, tables });
}

/** Of a run that has not chosen its set yet. */
export function beginningRebuild(tables: number, { owner, at }: RebuildOwner): string {
  return JSON.stringify({ format: FORMAT_OF_NONE, tables, owner, at });
}

/** A run of the command, and when it was last heard of, by its clock. */
export type RebuildOwner = Pick<RebuildState, 'owner' | 'at'>;

/** null: there is none. */
export function ownerOf(text: string | null): RebuildOwner | null {
  const { owner, at } = parsed(text);
  return owner === undefined || at === undefined ? null : { owner, at };
}

/** The same record, of another run or another time. */
export function ownedBy(text: string, owner: RebuildOwner): string {
  return JSON.stringify({ ...JSON.parse(text), ...owner });
}

/** Of the last set that a rebuild filled; 0: there was none. */
export function lastTablesOf(text: string | null): number {
  return parsed(text).tables ?? 0;
}

function parsed(text: string | null): Partial<RebuildState> {
  return text === null || text === '' ? {} : JSON.parse(text);
}
