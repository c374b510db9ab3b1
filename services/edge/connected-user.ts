// A user with at least one session on this node (or whose last one went and whose registration is still to be undone).
import type { EdgeSession } from './edge-session.ts';

export class ConnectedUser {
  readonly user: string;
  readonly sessions: EdgeSession[] = [];
  /** The greatest inboxSeq this node knows of, in the epoch in force. */
  head = 0;
  /** Monotonic time of the next exact read of the head; 0 before the first. */
  headCheckAt = 0;
  /** What the registry was told last; `unknown` while a call is under way or after one failed. */
  registration: 'none' | 'registered' | 'unknown' = 'none';
  /** The registration was lost or late: hints may have been missed, so tell the sessions `behind` once it stands. */
  behindWhenRegistered = false;
  registrationWaiters: (() => void)[] | null = null;

  constructor(user: string) {
    this.user = user;
  }
}
