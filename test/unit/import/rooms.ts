// Rooms for the tests: written as people would, or drawn at random from few nicks, so that odd things happen often.
import fc from 'fast-check';
import { type HistoryLine, parseHistoryLine } from '../../../services/commands/import/history-line.ts';
import type { Room } from '../../../services/commands/import/read-history.ts';

export type Said = readonly [kind: string, from: string, text?: string];

export function jsonOf([kind, from, text]: Said, room = 'room'): string {
  return JSON.stringify({ ts: 1, room, kind, from, ...(text === undefined ? {} : { text }) });
}

export function roomOf(...said: Said[]): Room {
  const lines: HistoryLine[] = said.map((line, index) => parseHistoryLine(jsonOf(line), index + 1).line);
  return { name: 'room', lines };
}

const nick = fc.constantFrom('ann', 'bob', 'cy', 'dee', 'importer', 'odd%nick');
const said: fc.Arbitrary<Said> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom('message', 'action'), nick, fc.constantFrom('', 'hi', '\ufeffä\u0003')),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('join', 'leave'), nick) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('rename'), nick, nick) },
);

export const anyRoom: fc.Arbitrary<Room> = fc
  .array(said, { minLength: 1, maxLength: 40 })
  .map((lines) => roomOf(...lines));
