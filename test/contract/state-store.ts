// What every StateStore promises.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  ConversationFlush,
  InboxRow,
  MemberRow,
  MembershipRow,
  PastMemberRow,
  StateStore,
  TimelineRow,
} from '../../services/ports/store/state-store.ts';
import { type Factory, type Subject, TEST_LIMITS, UNUSUAL_IDS, withSubject } from './subject.ts';

type StoreSubject = Subject<StateStore>;

function member(user: string, joinedSeq = 1, role: MemberRow['role'] = 'member'): MemberRow {
  return { user, role, joinedSeq };
}

function flush(
  conversationId: string,
  asOf: number,
  members: Record<string, MemberRow | null> | [string, MemberRow | null][],
  seq = asOf,
): ConversationFlush {
  const row = { conversationId, kind: 'group', seq, ordinal: seq, time: 1_700_000_000_000 + asOf, asOf } as const;
  const entries = Array.isArray(members) ? members : Object.entries(members);
  return { row: { ...row, title: `as of ${asOf}`, memberLimit: 500 }, members: new Map(entries) };
}

function timelineRow(conversationId: string, seq: number, position = seq): TimelineRow {
  const event = new TextEncoder().encode(`${conversationId} ${seq} @${position}`);
  const common = { conversationId, seq, ordinal: seq, sender: 'alice', position, event };
  return { ...common, commandId: `command-${seq}`, time: 1_700_000_000_000 + seq };
}

function past(
  conversationId: string,
  user: string,
  joinedSeq: number,
  leftSeq: number,
  position: number,
): PastMemberRow {
  return { conversationId, user, joinedSeq, leftSeq, position };
}

function inboxRow(user: string, inboxSeq: number, position = inboxSeq, conversationId = 'g:one'): InboxRow {
  return { user, inboxSeq, conversationId, seq: inboxSeq + 100, kind: 'MessageSent', position };
}

function membership(user: string, conversationId: string, position: number, leftSeq: number | null): MembershipRow {
  return { user, conversationId, joinedSeq: 3, leftSeq, position };
}

/** Rows with their bytes as plain arrays, so that a Buffer and a Uint8Array compare equal. */
function plain(rows: readonly TimelineRow[]): unknown[] {
  return rows.map((row) => ({ ...row, event: [...row.event] }));
}

function seqs(rows: readonly { readonly seq: number }[]): number[] {
  return rows.map(({ seq }) => seq);
}

function inboxSeqs(rows: readonly InboxRow[]): number[] {
  return rows.map((row) => row.inboxSeq);
}

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(...page);
  return found;
}

function sortedBy<T>(rows: readonly T[], keyOf: (row: T) => string): T[] {
  return [...rows].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function usersOf(row: { readonly members: readonly MemberRow[] } | null): string[] {
  return row!.members.map(({ user }) => user);
}

export function stateStoreContract(name: string, factory: Factory<StoreSubject>): void {
  const test = (title: string, body: (subject: StoreSubject) => Promise<void>) =>
    it(title, TEST_LIMITS, withSubject(factory, body));

  describe(`${name} as a StateStore: conversations`, () => {
    test('a conversation that was never flushed is not there', async ({ port, drive }) => {
      assert.equal(await drive(port.loadConversation('g:none')), null);
      assert.equal(await drive(port.readReader('g:none', 'alice')), null);
    });

    test('a flush of nothing does nothing', async ({ port, drive }) => {
      await drive(port.flushConversations([]));
      await drive(port.writeTimeline([], []));
      await drive(port.writeInbox([], []));
      await drive(port.writeHeads([]));
      assert.deepEqual(await drive(port.loadHeads([])), []);
      assert.deepEqual(await drive(port.readEvents([])), []);
    });

    test('one read gives all of the conversation, members sorted as UTF-16', async ({ port, drive }) => {
      const users = ['b', 'a', 'Z', '\uffee', '\u{1f600}'];
      const members = users.map((user, i) => [user, member(user, i + 1)] as [string, MemberRow]);
      await drive(port.flushConversations([flush('g:one', 7, members)]));
      const row = await drive(port.loadConversation('g:one'));
      const sorted = [...users].sort();
      assert.deepEqual(row, {
        ...flush('g:one', 7, {}).row,
        members: sorted.map((user) => member(user, users.indexOf(user) + 1)),
      });
    });

    test('a direct conversation without title keeps its kind and the position before all', async ({ port, drive }) => {
      const row = { ...flush('d:1:a1:b', 0, {}).row, kind: 'direct', title: '', asOf: 0 } as const;
      await drive(port.flushConversations([{ row, members: new Map() }]));
      assert.deepEqual(await drive(port.loadConversation('d:1:a1:b')), { ...row, members: [] });
    });

    test('a flush touches only the members it names', async ({ port, drive }) => {
      await drive(port.flushConversations([flush('g:one', 1, { alice: member('alice'), bob: member('bob') })]));
      await drive(port.flushConversations([flush('g:one', 2, { bob: member('bob', 1, 'admin') })]));
      await drive(port.flushConversations([flush('g:one', 3, {})]));
      const row = await drive(port.loadConversation('g:one'));
      assert.deepEqual(row!.members, [member('alice'), member('bob', 1, 'admin')]);
      assert.equal(row!.asOf, 3);
    });

    test('a member who was removed is gone, and who joins again is back', async ({ port, drive }) => {
      await drive(port.flushConversations([flush('g:one', 1, { alice: member('alice'), bob: member('bob') })]));
      await drive(port.flushConversations([flush('g:one', 2, { bob: null })]));
      assert.deepEqual(usersOf(await drive(port.loadConversation('g:one'))), ['alice']);
      await drive(port.flushConversations([flush('g:one', 3, { bob: member('bob', 3) })]));
      assert.deepEqual((await drive(port.loadConversation('g:one')))!.members[1], member('bob', 3));
    });

    test('a late flush with a lower position undoes nothing', async ({ port, drive }) => {
      await drive(port.flushConversations([flush('g:one', 1, { alice: member('alice'), bob: member('bob') })]));
      await drive(port.flushConversations([flush('g:one', 9, { alice: member('alice', 1, 'owner'), bob: null })]));
      const late = { alice: member('alice', 1, 'admin'), bob: member('bob', 5) };
      await drive(port.flushConversations([flush('g:one', 5, late)]));
      const row = await drive(port.loadConversation('g:one'));
      assert.deepEqual(row, { ...flush('g:one', 9, {}).row, members: [member('alice', 1, 'owner')] });
    });

    test('a late flush still writes the members that nothing newer has touched', async ({ port, drive }) => {
      await drive(port.flushConversations([flush('g:one', 9, { alice: member('alice') })]));
      await drive(port.flushConversations([flush('g:one', 5, { alice: null, carol: member('carol', 5) })]));
      const row = await drive(port.loadConversation('g:one'));
      assert.equal(row!.asOf, 9);
      assert.deepEqual(usersOf(row), ['alice', 'carol']);
    });

    test('the same flush again changes nothing', async ({ port, drive }) => {
      const first = flush('g:one', 4, { alice: member('alice'), bob: null });
      await drive(port.flushConversations([first]));
      const before = await drive(port.loadConversation('g:one'));
      await drive(port.flushConversations([first]));
      assert.deepEqual(await drive(port.loadConversation('g:one')), before);
    });

    test('several conversations are flushed by one call and stay apart', async ({ port, drive }) => {
      const ids = UNUSUAL_IDS.map((id) => `c:${id}`);
      const flushes = ids.map((id, i) =>
        flush(
          id,
          i + 1,
          UNUSUAL_IDS.map((user) => [user, member(user, i + 1)]),
        ),
      );
      await drive(port.flushConversations(flushes));
      await drive(port.flushConversations([flush(ids[2]!, 99, { [UNUSUAL_IDS[3]]: null })]));
      for (const [i, id] of ids.entries()) {
        const row = await drive(port.loadConversation(id));
        const expected = UNUSUAL_IDS.filter((user) => i !== 2 || user !== UNUSUAL_IDS[3]);
        assert.deepEqual(usersOf(row), [...expected].sort());
      }
    });

    test('a conversation of 500 members comes back whole', async ({ port, drive }) => {
      const users = Array.from({ length: 500 }, (_, i) => `${'u'.repeat(55)}${String(i).padStart(9, '0')}`);
      await drive(
        port.flushConversations([
          flush(
            'g:large',
            1,
            users.map((user) => [user, member(user)]),
          ),
        ]),
      );
      assert.deepEqual(usersOf(await drive(port.loadConversation('g:large'))), users);
    });

    test('a reader’s view has the conversation, the row if present, and all intervals that ended', async (subject) => {
      const { port, drive } = subject;
      await drive(port.flushConversations([flush('g:one', 20, { alice: member('alice', 15), bob: member('bob') })]));
      const intervals = [past('g:one', 'alice', 1, 4, 4), past('g:one', 'alice', 7, 9, 9)];
      await drive(port.writeTimeline([], [...intervals, past('g:one', 'bo', 2, 3, 3), past('g:on', 'alice', 5, 6, 6)]));
      const view = await drive(port.readReader('g:one', 'alice'));
      assert.deepEqual(view!.row, flush('g:one', 20, {}).row);
      assert.deepEqual(view!.member, member('alice', 15));
      assert.deepEqual(
        [...view!.past].sort((a, b) => a.joinedSeq - b.joinedSeq),
        intervals,
      );
      const stranger = await drive(port.readReader('g:one', 'zoe'));
      assert.deepEqual([stranger!.member, stranger!.past], [null, []]);
    });

    test('all intervals of a conversation are those of all its users, pending and stored', async ({ port, drive }) => {
      assert.deepEqual(await drive(port.readPast('g:one')), []);
      const users = [...UNUSUAL_IDS, ...Array.from({ length: 1_100 }, (_, i) => `user ${i}`)];
      const intervals = users.map((user, i) => past('g:one', user, i + 1, i + 2, i + 2));
      await drive(
        port.writeTimeline([], [...intervals, past('g:on', 'alice', 5, 6, 6), past('g:one2', 'bob', 5, 6, 6)]),
      );
      await drive(port.durable());
      const longer = past('g:one', users[0]!, 1, 2_000, 2_000);
      const again = past('g:one', users[1]!, 3_000, 3_001, 3_001);
      await drive(port.writeTimeline([], [longer, again]));
      const wanted = [longer, ...intervals.slice(1), again];
      const keyOf = ({ user, joinedSeq }: PastMemberRow) => `${user} ${joinedSeq}`;
      assert.deepEqual(sortedBy(await drive(port.readPast('g:one')), keyOf), sortedBy(wanted, keyOf));
    });

    test('a removed member’s view has no row but the interval', async ({ port, drive }) => {
      await drive(port.flushConversations([flush('g:one', 1, { alice: member('alice') })]));
      await drive(port.writeTimeline([timelineRow('g:one', 5)], [past('g:one', 'alice', 1, 5, 5)]));
      await drive(port.flushConversations([flush('g:one', 5, { alice: null })]));
      const view = await drive(port.readReader('g:one', 'alice'));
      assert.equal(view!.member, null);
      assert.deepEqual(view!.past, [past('g:one', 'alice', 1, 5, 5)]);
    });

    test('an interval with a lower position does not undo one with a higher', async ({ port, drive }) => {
      await drive(port.flushConversations([flush('g:one', 1, {})]));
      await drive(port.writeTimeline([], [past('g:one', 'alice', 1, 8, 8)]));
      await drive(port.writeTimeline([], [past('g:one', 'alice', 1, 5, 5)]));
      assert.deepEqual((await drive(port.readReader('g:one', 'alice')))!.past, [past('g:one', 'alice', 1, 8, 8)]);
    });
  });

  describe(`${name} as a StateStore: timelines`, () => {
    test('rows come back as they were written, up or down, within bounds', async ({ port, drive }) => {
      const rows = Array.from({ length: 30 }, (_, i) => timelineRow('g:one', i + 1));
      await drive(port.writeTimeline(rows, []));
      const up = await drive(port.readTimeline('g:one', 5, 9, 100, 'ascending'));
      assert.deepEqual(plain(up), plain(rows.slice(4, 9)));
      const down = await drive(port.readTimeline('g:one', 5, 9, 100, 'descending'));
      assert.deepEqual(plain(down), plain(rows.slice(4, 9).reverse()));
      assert.deepEqual(seqs(await drive(port.readTimeline('g:one', 5, 30, 3, 'ascending'))), [5, 6, 7]);
      assert.deepEqual(seqs(await drive(port.readTimeline('g:one', 5, 30, 3, 'descending'))), [30, 29, 28]);
      assert.deepEqual(seqs(await drive(port.readTimeline('g:one', 0, 2, 9, 'ascending'))), [1, 2]);
      assert.deepEqual(await drive(port.readTimeline('g:one', 31, 99, 9, 'ascending')), []);
      assert.deepEqual(await drive(port.readTimeline('g:one', 9, 5, 9, 'ascending')), []);
    });

    test('rows that are not there are left out', async ({ port, drive }) => {
      await drive(
        port.writeTimeline(
          [1, 2, 5, 6].map((seq) => timelineRow('g:one', seq)),
          [],
        ),
      );
      assert.deepEqual(seqs(await drive(port.readTimeline('g:one', 1, 9, 9, 'ascending'))), [1, 2, 5, 6]);
      assert.deepEqual(seqs(await drive(port.readTimeline('g:one', 1, 9, 3, 'descending'))), [6, 5, 2]);
    });

    test('a timeline goes on over the border of a bucket', async ({ port, drive }) => {
      const border = 4096;
      const numbers = [border - 2, border - 1, border, border + 1, 3 * border];
      await drive(
        port.writeTimeline(
          numbers.map((seq) => timelineRow('g:one', seq)),
          [],
        ),
      );
      const up = await drive(port.readTimeline('g:one', border - 1, 4 * border, 9, 'ascending'));
      assert.deepEqual(seqs(up), numbers.slice(1));
      const down = await drive(port.readTimeline('g:one', 1, border + 1, 3, 'descending'));
      assert.deepEqual(seqs(down), [border + 1, border, border - 1]);
    });

    test('a row with a lower position does not undo one with a higher', async ({ port, drive }) => {
      await drive(port.writeTimeline([timelineRow('g:one', 1, 50)], []));
      await drive(port.writeTimeline([timelineRow('g:one', 1, 40)], []));
      const [row] = await drive(port.readTimeline('g:one', 1, 1, 1, 'ascending'));
      assert.equal(row!.position, 50);
      await drive(port.writeTimeline([timelineRow('g:one', 1, 60)], []));
      assert.equal((await drive(port.readTimeline('g:one', 1, 1, 1, 'ascending')))[0]!.position, 60);
    });

    test('conversations whose ids are alike do not mix', async ({ port, drive }) => {
      const ids = ['g', 'g:', 'g:1', 'g:11', ...UNUSUAL_IDS];
      await drive(
        port.writeTimeline(
          ids.flatMap((id) => [1, 2].map((seq) => timelineRow(id, seq))),
          [],
        ),
      );
      for (const id of ids) {
        const rows = await drive(port.readTimeline(id, 0, Number.MAX_SAFE_INTEGER, 100, 'ascending'));
        assert.deepEqual(plain(rows), plain([timelineRow(id, 1), timelineRow(id, 2)]));
      }
    });

    test('events are found by pointer, in the order asked for, null where there is none', async ({ port, drive }) => {
      await drive(port.writeTimeline([timelineRow('g:one', 1), timelineRow('g:two', 2)], []));
      const pointers = [
        { conversationId: 'g:two', seq: 2 },
        { conversationId: 'g:one', seq: 2 },
        { conversationId: 'g:one', seq: 1 },
        { conversationId: 'g:two', seq: 2 },
      ];
      const events = await drive(port.readEvents(pointers));
      const texts = events.map((event) => event && new TextDecoder().decode(event));
      assert.deepEqual(texts, ['g:two 2 @2', null, 'g:one 1 @1', 'g:two 2 @2']);
    });

    test('events of the greatest size survive, and what was read survives later calls', async ({ port, drive }) => {
      const rows = [1, 2, 3].map((seq) => ({ ...timelineRow('g:one', seq), event: new Uint8Array(60_000).fill(seq) }));
      await drive(port.writeTimeline(rows, []));
      const first = await drive(port.readTimeline('g:one', 1, 3, 3, 'ascending'));
      await drive(
        port.writeTimeline(
          rows.map((row) => ({ ...row, seq: row.seq + 10 })),
          [],
        ),
      );
      await drive(port.readTimeline('g:one', 1, 99, 99, 'ascending'));
      for (const [i, row] of first.entries())
        assert.ok(row.event.length === 60_000 && row.event.every((b) => b === i + 1));
    });
  });

  describe(`${name} as a StateStore: inboxes`, () => {
    test('an inbox is read from anywhere, as many rows as asked for', async ({ port, drive }) => {
      const rows = Array.from({ length: 300 }, (_, i) => inboxRow('alice', i + 1));
      for (let i = 0; i < 300; i += 20) await drive(port.writeInbox(rows.slice(i, i + 20), []));
      assert.deepEqual(await drive(port.readInbox('alice', 1, 1_000)), rows);
      assert.deepEqual(await drive(port.readInbox('alice', 150, 100)), rows.slice(149, 249));
      assert.deepEqual(await drive(port.readInbox('alice', 300, 10)), rows.slice(299));
      assert.deepEqual(await drive(port.readInbox('alice', 301, 10)), []);
      assert.deepEqual(await drive(port.readInbox('bob', 1, 10)), []);
    });

    test('every kind, conversation and position comes back as it was', async ({ port, drive }) => {
      const kinds = ['MessageSent', 'ConversationCreated', 'MembersAdded', 'MemberRemoved', 'MemberLeft'] as const;
      const rows = kinds.map((kind, i) => ({
        ...inboxRow('alice', i + 1, 2 ** 41 + i, i < 3 ? 'g:one' : `c:${UNUSUAL_IDS[6]}`),
        kind,
        seq: 2 ** 40 + i,
      }));
      await drive(port.writeInbox(rows, []));
      assert.deepEqual(await drive(port.readInbox('alice', 1, 10)), rows);
    });

    test('a read ends at the first hole, and goes on when the hole is filled', async ({ port, drive }) => {
      const write = (...numbers: number[]) =>
        drive(
          port.writeInbox(
            numbers.map((n) => inboxRow('alice', n)),
            [],
          ),
        );
      await write(1, 2, 4, 5);
      assert.deepEqual(inboxSeqs(await drive(port.readInbox('alice', 1, 10))), [1, 2]);
      assert.deepEqual(await drive(port.readInbox('alice', 3, 10)), []);
      assert.deepEqual(inboxSeqs(await drive(port.readInbox('alice', 4, 10))), [4, 5]);
      await write(3);
      assert.deepEqual(inboxSeqs(await drive(port.readInbox('alice', 1, 10))), [1, 2, 3, 4, 5]);
    });

    test('an inbox goes on over the border of a bucket, and a bucket may begin with a hole', async ({
      port,
      drive,
    }) => {
      const border = 4096;
      const numbers = [border - 2, border - 1, border, border + 1];
      await drive(
        port.writeInbox(
          numbers.map((number) => inboxRow('alice', number)),
          [],
        ),
      );
      await drive(port.writeInbox([inboxRow('alice', 2 * border - 1), inboxRow('alice', 2 * border + 1)], []));
      assert.deepEqual(inboxSeqs(await drive(port.readInbox('alice', border - 2, 10))), numbers);
      assert.deepEqual(inboxSeqs(await drive(port.readInbox('alice', 2 * border - 1, 10))), [2 * border - 1]);
    });

    test('the order in which rows are written does not matter', async ({ port, drive }) => {
      for (const number of [5, 1, 3, 2, 4]) await drive(port.writeInbox([inboxRow('alice', number)], []));
      assert.deepEqual(inboxSeqs(await drive(port.readInbox('alice', 1, 10))), [1, 2, 3, 4, 5]);
    });

    test('rows written again in other portions are the same inbox', async ({ port, drive }) => {
      const rows = Array.from({ length: 50 }, (_, i) => inboxRow('alice', i + 1));
      await drive(port.writeInbox(rows, []));
      await drive(port.writeInbox(rows.slice(0, 7), []));
      await drive(port.writeInbox(rows.slice(20, 33), []));
      assert.deepEqual(await drive(port.readInbox('alice', 1, 100)), rows);
    });

    test('a row with a lower position does not undo one with a higher', async ({ port, drive }) => {
      await drive(port.writeInbox([inboxRow('alice', 1, 10, 'g:new'), inboxRow('alice', 2, 12, 'g:new')], []));
      await drive(port.writeInbox([inboxRow('alice', 1, 5, 'g:old'), inboxRow('alice', 2, 11, 'g:old')], []));
      assert.deepEqual(
        (await drive(port.readInbox('alice', 1, 10))).map((row) => row.conversationId),
        ['g:new', 'g:new'],
      );
    });

    test('users whose ids are alike have inboxes of their own', async ({ port, drive }) => {
      await drive(
        port.writeInbox(
          UNUSUAL_IDS.map((user, i) => inboxRow(user, 1, i + 1, `g:${i}`)),
          [],
        ),
      );
      for (const [i, user] of UNUSUAL_IDS.entries()) {
        assert.deepEqual(await drive(port.readInbox(user, 1, 10)), [inboxRow(user, 1, i + 1, `g:${i}`)]);
      }
    });

    test('heads come in the order asked for, null for those without', async ({ port, drive }) => {
      const head = (user: string, number: number) => ({ user, head: number, headAsOf: number * 2, minimumSeq: 1 });
      await drive(port.writeHeads([head('alice', 3), head('bob', 4), head('__proto__', 5)]));
      assert.deepEqual(await drive(port.loadHeads(['bob', 'carol', 'alice', '__proto__', 'bob'])), [
        head('bob', 4),
        null,
        head('alice', 3),
        head('__proto__', 5),
        head('bob', 4),
      ]);
    });

    test('a head with a lower position does not undo one with a higher', async ({ port, drive }) => {
      await drive(port.writeHeads([{ user: 'alice', head: 9, headAsOf: 90, minimumSeq: 2 }]));
      await drive(port.writeHeads([{ user: 'alice', head: 5, headAsOf: 50, minimumSeq: 1 }]));
      assert.deepEqual(await drive(port.loadHeads(['alice'])), [
        { user: 'alice', head: 9, headAsOf: 90, minimumSeq: 2 },
      ]);
      await drive(port.writeHeads([{ user: 'alice', head: 10, headAsOf: 91, minimumSeq: 2 }]));
      assert.equal((await drive(port.loadHeads(['alice'])))[0]!.head, 10);
    });

    test('memberships tell since when and until when, and late writes undo nothing', async ({ port, drive }) => {
      const joined = membership('alice', 'g:one', 10, null);
      const left = membership('alice', 'g:one', 20, 8);
      const other = membership('alice', 'g:two', 11, null);
      await drive(port.writeInbox([inboxRow('alice', 1, 10)], [joined, other]));
      await drive(port.writeInbox([inboxRow('alice', 2, 20)], [left]));
      await drive(port.writeInbox([], [joined, membership('alic', 'g:one', 30, null)]));
      const rows = await drive(port.readMemberships('alice'));
      const byId = [...rows].sort((a, b) => (a.conversationId < b.conversationId ? -1 : 1));
      assert.deepEqual(byId, [left, other]);
      assert.deepEqual(await drive(port.readMemberships('nobody')), []);
    });
  });

  describe(`${name} as a StateStore: processors and administration`, () => {
    test('a checkpoint is read whole, the last one written', async ({ port, drive }) => {
      assert.equal(await drive(port.loadCheckpoint('inbox', 0)), null);
      await drive(port.saveCheckpoint('inbox', 0, { offset: 5, sources: { 0: 2 ** 41, 3: 7 }, foldVersion: 0 }));
      await drive(port.saveCheckpoint('inbox', 1, { offset: 6, sources: {}, foldVersion: 0 }));
      await drive(port.saveCheckpoint('messages', 0, { offset: 7, sources: {}, foldVersion: 2 }));
      const last = { offset: 4, sources: { 1: 9 }, foldVersion: 1 };
      await drive(port.saveCheckpoint('inbox', 0, last));
      assert.deepEqual(await drive(port.loadCheckpoint('inbox', 0)), last);
      assert.deepEqual(await drive(port.loadCheckpoint('messages', 0)), { offset: 7, sources: {}, foldVersion: 2 });
      assert.equal(await drive(port.loadCheckpoint('messages', 1)), null);
    });

    test('a saved checkpoint is not the caller’s object', async ({ port, drive }) => {
      const sources: Record<number, number> = { 0: 1 };
      await drive(port.saveCheckpoint('inbox', 0, { offset: 1, sources, foldVersion: 0 }));
      sources[0] = 2;
      assert.deepEqual((await drive(port.loadCheckpoint('inbox', 0)))!.sources, { 0: 1 });
    });

    test('parked offsets are a set by partition', async ({ port, drive }) => {
      assert.deepEqual([...(await drive(port.readParked('messages', 0)))], []);
      for (const offset of [7, 300, 7]) await drive(port.park('messages', 0, offset));
      await drive(port.park('messages', 1, 8));
      await drive(port.park('inbox', 0, 9));
      assert.deepEqual(
        [...(await drive(port.readParked('messages', 0)))].sort((a, b) => a - b),
        [7, 300],
      );
    });

    test('a canary overwrites the one before it', async ({ port, drive }) => {
      await drive(port.writeCanary(0, 'one'));
      await drive(port.writeCanary(0, 'two'));
    });

    test('the generation is written once, and everyone gets the one in force', async ({ port, drive }) => {
      assert.equal(await drive(port.loadGeneration()), null);
      const row = { generation: 1, partitions: { messages: 4, timeline: 4, inbox: 4 }, tables: 0, epoch: 1 };
      const other = { ...row, partitions: { messages: 8, timeline: 8, inbox: 8 } };
      const [one, two] = await drive(Promise.all([port.createGeneration(row), port.createGeneration(other)]));
      assert.deepEqual(one, two);
      assert.deepEqual(await drive(port.loadGeneration()), one);
      assert.deepEqual(await drive(port.createGeneration({ ...row, generation: 2 })), one);
    });

    test('tables are put in force once each, by rising numbers, and the highest counts', async ({ port, drive }) => {
      const row = { generation: 1, partitions: { messages: 4, timeline: 4, inbox: 4 }, tables: 0, epoch: 7 };
      await drive(port.createGeneration(row));
      assert.equal(await drive(port.switchTables({ tables: 2, epoch: 8 })), true);
      assert.deepEqual(await drive(port.loadGeneration()), { ...row, tables: 2, epoch: 8, epochOfInbox: row.epoch });
      for (const next of [0, 1, 2]) assert.equal(await drive(port.switchTables({ tables: next, epoch: 9 })), false);
      const tries = [10, 10, 10].map((tables, i) => port.switchTables({ tables, epoch: 20 + i }));
      const put = await drive(Promise.all(tries));
      assert.equal(put.filter(Boolean).length, 1);
      const inForce = { ...row, tables: 10, epoch: 20 + put.indexOf(true), epochOfInbox: row.epoch };
      assert.deepEqual(await drive(port.loadGeneration()), inForce);
      assert.deepEqual(await drive(port.createGeneration(row)), inForce, 'what a process that starts is given');
    });

    test('what a rebuild keeps is overwritten as a whole', async ({ port, drive }) => {
      assert.equal(await drive(port.loadRebuild()), null);
      for (const state of ['{"next": [1, 2, 3]}', '', JSON.stringify({ of: UNUSUAL_IDS })]) {
        await drive(port.saveRebuild(state));
        assert.equal(await drive(port.loadRebuild()), state);
      }
    });

    test('scans find every head as it is and every conversation, once', async ({ port, drive }) => {
      assert.deepEqual(await drive(all(port.scanHeads())), []);
      assert.deepEqual(await drive(all(port.scanConversations())), []);
      const users = [...UNUSUAL_IDS, ...Array.from({ length: 1_100 }, (_, i) => `user ${i}`)];
      const heads = users.map((user, i) => ({ user, head: i, headAsOf: i, minimumSeq: 1 }));
      await drive(port.writeHeads(heads));
      await drive(port.flushConversations(users.map((user, i) => flush(`g:${user}`, i, { [user]: member(user) }))));
      const [first] = heads;
      const moved = { ...first!, head: 9_000, headAsOf: 9_000 };
      await drive(port.writeHeads([moved]));
      await drive(port.durable());
      await drive(port.writeHeads([{ ...heads[1]!, head: 9_001, headAsOf: 9_001 }]));
      const found = await drive(all(port.scanHeads()));
      const wanted = [moved, { ...heads[1]!, head: 9_001, headAsOf: 9_001 }, ...heads.slice(2)];
      assert.deepEqual(
        sortedBy(found, ({ user }) => user),
        sortedBy(wanted, ({ user }) => user),
      );
      const ids = await drive(all(port.scanConversations()));
      assert.deepEqual([...ids].sort(), users.map((user) => `g:${user}`).sort());
    });

    test('an account is created once, however many try at the same time', async ({ port, drive }) => {
      const account = (passwordHash: string | null) => ({ user: 'alice', passwordHash, createdAt: 1_700_000_000_000 });
      assert.equal(await drive(port.loadAccount('alice')), null);
      const tries = ['a', 'b', 'c'].map((hash) => port.createAccount(account(hash)));
      const created = await drive(Promise.all(tries));
      assert.equal(created.filter(Boolean).length, 1);
      const winner = ['a', 'b', 'c'][created.indexOf(true)]!;
      assert.deepEqual(await drive(port.loadAccount('alice')), account(winner));
      assert.equal(await drive(port.createAccount(account(null))), false);
      assert.deepEqual(await drive(port.loadAccount('alice')), account(winner));
    });

    test('accounts of unusual names are accounts of their own', async ({ port, drive }) => {
      for (const [i, user] of UNUSUAL_IDS.entries()) {
        assert.equal(await drive(port.createAccount({ user, passwordHash: null, createdAt: i })), true);
      }
      for (const [i, user] of UNUSUAL_IDS.entries()) {
        assert.deepEqual(await drive(port.loadAccount(user)), { user, passwordHash: null, createdAt: i });
      }
    });
  });
}
