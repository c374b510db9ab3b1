// Holds one member's inbox against what the file says: every event of every stay once, in order, nothing else. An entry is
// recognised by the id of the command it came of, and only counts as found if it says what the file says.
import type { EventBody } from '../../protocol/frames.ts';
import type { ExpectedEvent, ExpectedRoom, Stay } from './expect-room.ts';

/** A room of this run, as it was imported. */
export interface ImportedRoom {
  readonly expected: ExpectedRoom;
  /** Index of the expected event by the id of the command that was to cause it. */
  readonly indexOf: ReadonlyMap<string, number>;
}

export interface InboxCounts {
  readonly expected: number;
  readonly found: number;
  readonly missing: number;
  /** The same event more than once. */
  readonly repeated: number;
  /** Found after a later one of the same room. */
  readonly outOfOrder: number;
  /** What the file does not say: of another stay, of no line, or with other content. */
  readonly unexpected: number;
}

interface RoomState {
  readonly room: ImportedRoom;
  readonly stays: readonly Stay[];
  readonly seen: Uint8Array;
  last: number;
}

const NO_STAYS: readonly Stay[] = [];

export class InboxChecker {
  readonly #user: string;
  readonly #rooms: ReadonlyMap<string, ImportedRoom>;
  readonly #states = new Map<string, RoomState>();
  readonly #expected: number;
  #found = 0;
  #repeated = 0;
  #outOfOrder = 0;
  #unexpected = 0;

  /** `rooms`: of this run, by conversation id. Entries of other conversations are other runs' and not looked at. */
  constructor(user: string, rooms: ReadonlyMap<string, ImportedRoom>) {
    this.#user = user;
    this.#rooms = rooms;
    this.#expected = countExpected(user, rooms.values());
  }

  /** Whether the entry is one of this run. */
  take(event: EventBody): boolean {
    const state = this.#stateOf(event.conversationId);
    if (state === null) return false;
    const index = state.room.indexOf.get(event.clientMessageId);
    if (index === undefined || !isInside(state.stays, index) || !says(event, state.room.expected, index)) {
      this.#unexpected++;
    } else if (state.seen[index] === 1) {
      this.#repeated++;
    } else {
      state.seen[index] = 1;
      this.#found++;
      if (index < state.last) this.#outOfOrder++;
      else state.last = index;
    }
    return true;
  }

  get complete(): boolean {
    return this.#found === this.#expected;
  }

  counts(): InboxCounts {
    return {
      expected: this.#expected,
      found: this.#found,
      missing: this.#expected - this.#found,
      repeated: this.#repeated,
      outOfOrder: this.#outOfOrder,
      unexpected: this.#unexpected,
    };
  }

  #stateOf(conversationId: string): RoomState | null {
    const known = this.#states.get(conversationId);
    if (known !== undefined) return known;
    const room = this.#rooms.get(conversationId);
    if (room === undefined) return null;
    const { stays, events } = room.expected;
    const state = { room, stays: stays.get(this.#user) ?? NO_STAYS, seen: new Uint8Array(events.length), last: -1 };
    this.#states.set(conversationId, state);
    return state;
  }
}

/** Entries that a user's inbox must hold of these rooms. */
export function countExpected(user: string, rooms: Iterable<ImportedRoom>): number {
  let count = 0;
  for (const { expected } of rooms) {
    for (const { first, last } of expected.stays.get(user) ?? NO_STAYS) count += last - first + 1;
  }
  return count;
}

function isInside(stays: readonly Stay[], index: number): boolean {
  for (let i = 0; i < stays.length; i++) {
    if (index >= stays[i]!.first && index <= stays[i]!.last) return true;
  }
  return false;
}

function says(event: EventBody, room: ExpectedRoom, index: number): boolean {
  const expected: ExpectedEvent = room.events[index]!;
  if (event.sender !== expected.sender || event.kind !== expected.kind) return false;
  switch (event.kind) {
    case 'message':
      return event.payload === expected.subject && event.contentType === expected.contentType;
    case 'added':
      return event.members.length === 1 && event.members[0] === expected.subject;
    case 'removed':
      return event.member === expected.subject;
    case 'created': {
      const { title, members } = event;
      const { founders } = room;
      return title === expected.subject && members.length === founders.size && members.every((m) => founders.has(m));
    }
    default:
      return false; // nobody leaves by themselves in an import
  }
}
