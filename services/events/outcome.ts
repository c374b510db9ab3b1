// How a command ended. An outcome is a value, told to the origin; it is not stored: asking again gives the same answer.
import type { ErrorCode } from '../kernel/errors.ts';

export type RejectionCode = Extract<
  ErrorCode,
  | 'clock'
  | 'too_old'
  | 'not_a_member'
  | 'not_allowed'
  | 'conversation_not_found'
  | 'conversation_exists'
  | 'conversation_full'
  | 'wrong_kind'
>;

export type Outcome =
  /** Decided now, or (`repeat`) when the same id was decided before. */
  | { readonly result: 'sequenced'; readonly seq: number; readonly time: number; readonly repeat: boolean }
  /** Nothing to decide: it is already so (adding a member again). No seq was taken. */
  | { readonly result: 'unchanged' }
  | { readonly result: 'rejected'; readonly code: RejectionCode };
