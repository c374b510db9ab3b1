// Who takes part, and in what: the smallest set in which everything is there that may go wrong in a way of its own.
//
//   groups of five (changing members)   pairs   a user with two devices   one who goes offline and comes back
import { directConversationId } from '../../../services/events/ids.ts';

export interface Cast {
  /** The reference decider reads direct ids by hand: names without digits and colons. */
  readonly users: readonly string[];
  readonly devices: readonly CastDevice[];
  readonly pairs: readonly CastPair[];
  readonly groups: readonly CastGroup[];
  /** Every so many sends, one is to a group: it costs as many copies as the group has members. */
  readonly groupEvery: number;
  /** Who goes offline, how long it is online before and offline then. */
  readonly wanderers: ReadonlySet<string>;
  readonly online_ms: number;
  readonly offline_ms: number;
}

export interface CastDevice {
  readonly user: string;
  /** Unlike any other device's. */
  readonly name: string;
}

export interface CastPair {
  readonly users: readonly [string, string];
  /** Of the direct conversation. */
  readonly id: string;
  /** Whether both are to be reached all the time, but for faults. */
  readonly isMeasured: boolean;
}

/** The first of the members is the owner, who changes the members; `others` come and go. */
export interface CastGroup {
  readonly members: readonly string[];
  readonly others: readonly string[];
}

/** Is online for a while, then offline for a while. */
export const WANDERER = 'leo-phone';

const USERS = ['ada', 'bea', 'cal', 'dan', 'eve', 'fay', 'gus', 'hal', 'ida', 'joe', 'kim', 'leo'];

export const SMALL_CAST: Cast = {
  users: USERS,
  devices: [...USERS.map((user) => ({ user, name: `${user}-phone` })), { user: 'ada', name: 'ada-desk' }],
  pairs: [
    pair('ada', 'bea'),
    pair('cal', 'dan'),
    pair('eve', 'fay'),
    pair('gus', 'hal'),
    pair('ida', 'joe'),
    pair('kim', 'leo'),
    pair('ada', 'leo'),
  ],
  groups: [
    { members: ['ada', 'bea', 'cal', 'dan', 'eve'], others: ['fay', 'gus'] },
    { members: ['fay', 'gus', 'hal', 'ida', 'ada'], others: ['joe', 'kim'] },
    { members: ['joe', 'kim', 'leo', 'bea', 'cal'], others: ['dan', 'hal'] },
  ],
  groupEvery: 3,
  wanderers: new Set([WANDERER]),
  online_ms: 4_000,
  offline_ms: 2_500,
};

export function pair(one: string, other: string, isMeasured = true): CastPair {
  return { users: [one, other], id: directConversationId(one, other), isMeasured };
}
