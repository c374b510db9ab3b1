// Histories of commands for property tests: few users and ids, so that repeats, refusals and re-joinings are common.
import fc from 'fast-check';
import type { Command } from '../../../services/events/commands.ts';
import { directConversationId } from '../../../services/events/ids.ts';

export interface Taken {
  readonly command: Command;
  readonly position: number;
  readonly appendTime: number;
}

const START = 1_700_000_000_000;
const users = ['alice', 'bob', 'carol', 'dave', 'eve'];
const origin = { node: 'n', incarnation: 'i', session: 1, request: 1 };

/** A UUIDv7 of that time, the same for the same `number`. */
export function commandId(time: number, number: number): string {
  const hex = time.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${number.toString(16).padStart(12, '0')}`;
}

const minute = 60_000;
const user = fc.constantFrom(...users);

const request = fc.record({
  what: fc.constantFrom('send', 'send', 'send', 'send', 'create', 'add', 'add', 'remove', 'leave'),
  sender: user,
  member: user,
  number: fc.nat(30),
  // The log's clock: mostly forward, now and then an hour off either way.
  elapsed: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0, max: 2 * minute }) },
    { weight: 1, arbitrary: fc.constantFrom(-60 * minute, 60 * minute, 13 * minute) },
  ),
  // The id's time against the log's.
  age: fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: -minute, max: 9 * minute }) },
    { weight: 1, arbitrary: fc.constantFrom(-2 * minute, 11 * minute, 30 * minute) },
  ),
  /** Take an earlier command again instead. */
  repeatOf: fc.option(fc.nat(40), { freq: 4, nil: undefined }),
});

export const history = fc
  .tuple(
    fc.constantFrom('g:00000000000000000000000000000001', directConversationId('alice', 'bob')),
    fc.array(request, { maxLength: 60 }),
  )
  .map(([conversationId, requests]) => {
    const taken: Taken[] = [];
    let time = START;
    for (const [i, { what, sender, member, number, elapsed, age, repeatOf }] of requests.entries()) {
      time += elapsed;
      const first = i === 0 && conversationId.startsWith('g:');
      const repeated = repeatOf === undefined ? undefined : taken.at(-1 - (repeatOf % Math.max(1, taken.length)));
      const base = {
        conversationId,
        sender: first ? 'alice' : sender,
        commandId: commandId(time - age, number),
        origin,
      };
      // Gaps between positions: other conversations of the partition.
      const at = { position: (taken.at(-1)?.position ?? 5) + 1 + (number % 3), appendTime: time };
      if (repeated !== undefined && !first) taken.push({ ...at, command: repeated.command });
      else
        taken.push({
          ...at,
          command: commandOf(
            first ? 'create' : what,
            { ...base, commandId: first ? commandId(time, 99) : base.commandId },
            member,
            number,
          ),
        });
    }
    return taken;
  });

function commandOf(
  what: string,
  base: { conversationId: string; sender: string; commandId: string; origin: typeof origin },
  member: string,
  number: number,
): Command {
  switch (what) {
    case 'create':
      return { type: 'CreateConversation', ...base, title: 'T', memberLimit: 4, members: ['bob', 'bob', 'carol'] };
    case 'add':
      return { type: 'AddMembers', ...base, members: [member, users[number % users.length]!] };
    case 'remove':
      return { type: 'RemoveMember', ...base, member };
    case 'leave':
      return { type: 'LeaveConversation', ...base };
    default:
      return {
        type: 'SendMessage',
        ...base,
        contentType: 'text/plain',
        keyId: null,
        payload: Buffer.from(`${number}`),
      };
  }
}
