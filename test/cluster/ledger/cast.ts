// Who takes part, and in what: the smallest set in which everything is there that may go wrong in a way of its own.
//
//   groups of five (changing members)   pairs   a user with two devices   one who goes offline and comes back
import { directConversationId } from '../../../services/events/ids.ts';

/** The reference decider reads direct ids by hand: names without digits and colons. */
export const USERS = ['ada', 'bea', 'cal', 'dan', 'eve', 'fay', 'gus', 'hal', 'ida', 'joe', 'kim', 'leo'] as const;

/** The first is the owner, who changes the members; `others` come and go. */
export const GROUPS = [
  { members: ['ada', 'bea', 'cal', 'dan', 'eve'], others: ['fay', 'gus'] },
  { members: ['fay', 'gus', 'hal', 'ida', 'ada'], others: ['joe', 'kim'] },
  { members: ['joe', 'kim', 'leo', 'bea', 'cal'], others: ['dan', 'hal'] },
] as const;

export const PAIRS = (
  [
    ['ada', 'bea'],
    ['cal', 'dan'],
    ['eve', 'fay'],
    ['gus', 'hal'],
    ['ida', 'joe'],
    ['kim', 'leo'],
    ['ada', 'leo'],
  ] as const
).map(([one, other]) => ({ users: [one, other] as readonly string[], id: directConversationId(one, other) }));

export const DEVICES = [
  ...USERS.map((user) => ({ user, name: `${user}-phone` })),
  { user: 'ada', name: 'ada-desk' },
] as const;
/** Is online for a while, then offline for a while. */
export const WANDERER = 'leo-phone';
