// What the file says everybody must hold in the end. Computed from the lines alone: it knows neither the plan nor the
// server's fold, and is written the other way round (by person, not by command), so that a mistake in one shows in the
// other.
//
// A room is one list of events; a member holds the slices of it in which they were there. 2.6 million inbox entries are
// so 28,000 events and 4,000 slices:
//
//   events    created  message  added:eve  message  removed:bob  message
//   alice     0─────────────────────────────────────────────────────────▶
//   bob       0────────────────────────────────────────────▶ 4
//   eve                         2───────────────────────────────────────▶
import { contentTypeOf } from './content-type.ts';
import { CREATED_KEY, lineKey } from './line-key.ts';
import type { Room } from './read-history.ts';
import { IMPORTER } from './user-of-nick.ts';

export interface ExpectedEvent {
  /** Of the line that it comes from. */
  readonly key: number;
  readonly kind: 'created' | 'added' | 'removed' | 'message';
  readonly sender: string;
  /** The text, who was added or removed, or the title. */
  readonly subject: string;
  /** Of a message. */
  readonly contentType: string | null;
}

/** From the joining to the leaving (or the end), both included: indices of events. */
export interface Stay {
  readonly first: number;
  readonly last: number;
}

export interface ExpectedRoom {
  readonly events: readonly ExpectedEvent[];
  /** With the importer, who is always there. */
  readonly founders: ReadonlySet<string>;
  readonly stays: ReadonlyMap<string, readonly Stay[]>;
}

export function expectRoom({ name, lines }: Room): ExpectedRoom {
  const founders = new Set([IMPORTER, ...presentBefore(lines)]);
  const events: ExpectedEvent[] = [
    { key: CREATED_KEY, kind: 'created', sender: IMPORTER, subject: name, contentType: null },
  ];
  const since = new Map<string, number>([...founders].map((user) => [user, 0]));
  const stays = new Map<string, Stay[]>();
  const end = (user: string, last: number) => {
    const ended = stays.get(user) ?? [];
    ended.push({ first: since.get(user)!, last });
    stays.set(user, ended);
    since.delete(user);
  };
  const arrive = (user: string, number: number) => {
    if (since.has(user)) return;
    since.set(user, events.length);
    const key = lineKey(number, 'added');
    events.push({ key, kind: 'added', sender: IMPORTER, subject: user, contentType: null });
  };
  const depart = (user: string, number: number) => {
    if (!since.has(user)) return;
    end(user, events.length);
    const key = lineKey(number, 'removed');
    events.push({ key, kind: 'removed', sender: IMPORTER, subject: user, contentType: null });
  };
  for (const line of lines) {
    const { number, kind, user, text, renamed } = line;
    switch (kind) {
      case 'join':
        arrive(user, number);
        break;
      case 'leave':
        depart(user, number);
        break;
      case 'rename':
        if (renamed === null || renamed === user) break;
        depart(user, number);
        arrive(renamed, number);
        break;
      default: {
        arrive(user, number); // speaking is being there
        const key = lineKey(number, 'message');
        events.push({ key, kind: 'message', sender: user, subject: text, contentType: contentTypeOf(line) });
      }
    }
  }
  for (const user of [...since.keys()]) end(user, events.length - 1);
  return { events, founders, stays };
}

/** By person: whoever is first seen doing something that only somebody present can do. */
function presentBefore(lines: Room['lines']): string[] {
  const firstSeen = new Map<string, 'acting' | 'arriving'>();
  const see = (user: string, how: 'acting' | 'arriving') => {
    if (!firstSeen.has(user)) firstSeen.set(user, how);
  };
  for (const { kind, user, renamed } of lines) {
    see(user, kind === 'join' ? 'arriving' : 'acting');
    if (renamed !== null) see(renamed, 'arriving');
  }
  return [...firstSeen].filter(([, how]) => how === 'acting').map(([user]) => user);
}
