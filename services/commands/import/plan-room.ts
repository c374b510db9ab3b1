// What the import does for a room, line by line. It asks for what the line says and leaves judging to the server: a join
// of somebody present and a leave of somebody absent are sent too, and change nothing.
//
//   who was there from the start   in the command that creates the group
//   message, action                sent by its author, who joins first if absent
//   join, leave                    the importer adds, removes
//   rename                         the importer removes the old nick, adds the new one
import type { HistoryLine } from './history-line.ts';
import { type LinePart, lineKey } from './line-key.ts';
import type { Room } from './read-history.ts';

export type Step =
  | { readonly type: 'send'; readonly key: number; readonly line: HistoryLine }
  | { readonly type: 'add' | 'remove'; readonly key: number; readonly user: string };

export interface RoomPlan {
  readonly room: Room;
  /** Present before the first line, without the importer. */
  readonly founders: readonly string[];
  readonly steps: readonly Step[];
  /** Present at once at most, the importer among them. */
  readonly members_max: number;
}

export function planRoom(room: Room): RoomPlan {
  const founders = findFounders(room.lines);
  const present = new Set(founders);
  const steps: Step[] = [];
  let present_max = present.size;
  const change = (type: 'add' | 'remove', user: string, line: HistoryLine, part: LinePart) => {
    steps.push({ type, key: lineKey(line.number, part), user });
    if (type === 'add') present.add(user);
    else present.delete(user);
    present_max = Math.max(present_max, present.size);
  };
  for (const line of room.lines) {
    const { kind, user, renamed } = line;
    if (kind === 'join') change('add', user, line, 'added');
    else if (kind === 'leave') change('remove', user, line, 'removed');
    else if (kind === 'rename') {
      if (user === renamed) continue; // a change of nothing
      change('remove', user, line, 'removed');
      change('add', renamed!, line, 'added');
    } else {
      if (!present.has(user)) change('add', user, line, 'added');
      steps.push({ type: 'send', key: lineKey(line.number, 'message'), line });
    }
  }
  return { room, founders, steps, members_max: present_max + 1 };
}

/** Nobody announced them: their first line is no join, and no earlier rename brought them. */
function findFounders(lines: readonly HistoryLine[]): string[] {
  const known = new Set<string>();
  const founders: string[] = [];
  for (const { kind, user, renamed } of lines) {
    if (!known.has(user) && kind !== 'join') founders.push(user);
    known.add(user);
    if (renamed !== null) known.add(renamed);
  }
  return founders;
}
