// What every TableSets promises.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type StateStore, StoreError } from '../../services/ports/store/state-store.ts';
import { type TableSets, TablesMissingError } from '../../services/ports/store/table-sets.ts';
import { type Factory, rejectionOf, type Subject, TEST_LIMITS, withSubject } from './subject.ts';

export interface SetsAndBase {
  readonly sets: TableSets;
  /** Set 0, as whoever opened it has it. */
  readonly base: StateStore;
  /** The same sets as another process has them, opened anew. */
  readonly others: () => Promise<{ readonly sets: TableSets; readonly base: StateStore; close(): Promise<void> }>;
}

type SetsSubject = Subject<SetsAndBase>;

const GENERATION = { generation: 1, partitions: { messages: 4, timeline: 4, inbox: 4 }, tables: 0, epoch: 7 };

function inboxRow(inboxSeq: number, conversationId: string) {
  return { user: 'alice', inboxSeq, conversationId, seq: 1, kind: 'MessageSent', position: inboxSeq } as const;
}

/** A row of every derived table, each of which names `where`. */
async function fill(store: StateStore, where: string): Promise<void> {
  const conversationId = `g:${where}`;
  const common = { conversationId, seq: 1, ordinal: 1, time: 5 };
  const event = new TextEncoder().encode(where);
  const past = { conversationId: 'g:all', user: 'alice', joinedSeq: 1, leftSeq: where.length, position: 1 };
  await store.writeTimeline([{ ...common, sender: 'alice', commandId: 'one', position: 1, event }], [past]);
  const row = { ...common, kind: 'group', asOf: 1, title: where, memberLimit: 9 } as const;
  const members = new Map([['alice', { user: 'alice', role: 'owner', joinedSeq: 1 } as const]]);
  await store.flushConversations([
    { row, members },
    { row: { ...row, conversationId: 'g:all' }, members },
  ]);
  const membership = { user: 'alice', conversationId, joinedSeq: 1, leftSeq: null, position: 1 };
  await store.writeInbox([inboxRow(1, conversationId)], [membership]);
  await store.writeHeads([{ user: 'alice', head: where.length, headAsOf: 1, minimumSeq: 1 }]);
  await store.saveCheckpoint('inbox', 0, { offset: where.length, sources: {}, foldVersion: 1 });
  await store.writeCanary(0, where);
}

async function contentOf(store: StateStore) {
  const heads: number[] = [];
  for await (const page of store.scanHeads()) heads.push(...page.map(({ head }) => head));
  const conversations: string[] = [];
  for await (const page of store.scanConversations()) conversations.push(...page);
  return {
    heads,
    conversations: conversations.sort(),
    inbox: (await store.readInbox('alice', 1, 9)).map(({ conversationId }) => conversationId),
    memberships: (await store.readMemberships('alice')).map(({ conversationId }) => conversationId),
    past: (await store.readReader('g:all', 'alice'))?.past.map(({ leftSeq }) => leftSeq) ?? null,
    checkpoint: (await store.loadCheckpoint('inbox', 0))?.offset ?? null,
  };
}

function contentNamed(where: string) {
  return {
    heads: [where.length],
    conversations: [`g:${where}`, 'g:all'].sort(),
    inbox: [`g:${where}`],
    memberships: [`g:${where}`],
    past: [where.length],
    checkpoint: where.length,
  };
}

const NOTHING = { heads: [], conversations: [], inbox: [], memberships: [], past: null, checkpoint: null };

export function tableSetsContract(name: string, factory: Factory<SetsSubject>): void {
  const test = (title: string, body: (subject: SetsSubject) => Promise<void>) =>
    it(title, TEST_LIMITS, withSubject(factory, body));

  describe(`${name} as TableSets`, () => {
    test('rows of a set are no rows of another, and they are there when it is opened again', async (subject) => {
      const { port, drive } = subject;
      await drive(fill(port.base, 'base'));
      const one = await drive(port.sets.make(1));
      assert.deepEqual(await drive(contentOf(one)), NOTHING);
      await drive(fill(one, 'the first'));
      assert.deepEqual(await drive(contentOf(one)), contentNamed('the first'));
      await drive(one.close());
      const again = await drive(port.sets.open(1));
      assert.deepEqual(await drive(contentOf(again)), contentNamed('the first'));
      await drive(again.close());
      const zero = await drive(port.sets.open(0));
      assert.deepEqual(await drive(contentOf(zero)), contentNamed('base'));
      await drive(zero.close());
      assert.deepEqual(await drive(contentOf(port.base)), contentNamed('base'), 'closing set 0 closes nothing');
    });

    test('accounts, parked offsets, the generation and the rebuild are the same through all', async (subject) => {
      const { port, drive } = subject;
      await drive(port.base.createGeneration(GENERATION));
      const one = await drive(port.sets.make(1));
      const account = { user: 'alice', passwordHash: 'hash', createdAt: 1 };
      assert.equal(await drive(one.createAccount(account)), true);
      await drive(port.base.park('messages', 0, 5));
      await drive(one.saveRebuild('{}'));
      assert.equal(await drive(one.switchTables({ tables: 1, epoch: 8 })), true);
      for (const store of [port.base, one]) {
        assert.deepEqual(await drive(store.loadAccount('alice')), account);
        assert.equal(await drive(store.createAccount(account)), false);
        assert.deepEqual([...(await drive(store.readParked('messages', 0)))], [5]);
        assert.equal(await drive(store.loadRebuild()), '{}');
        assert.deepEqual(await drive(store.loadGeneration()), { ...GENERATION, tables: 1, epoch: 8, epochOfInbox: 7 });
        assert.deepEqual(await drive(store.createGeneration(GENERATION)), {
          ...GENERATION,
          tables: 1,
          epoch: 8,
          epochOfInbox: 7,
        });
      }
      await drive(one.close());
    });

    test('sets are listed by number, and 0 is always there', async ({ port, drive }) => {
      assert.deepEqual(await drive(port.sets.list()), [0]);
      for (const number of [10, 2]) await drive(drive(port.sets.make(number)).then((store) => store.close()));
      assert.deepEqual(await drive(port.sets.list()), [0, 2, 10]);
    });

    test('a set that is removed is gone, and empty when it is made again', async (subject) => {
      const { port, drive } = subject;
      await drive(port.base.createGeneration(GENERATION));
      const one = await drive(port.sets.make(1));
      await drive(fill(one, 'the first'));
      await drive(one.close());
      await drive(fill(port.base, 'base'));
      await drive(port.sets.remove(1));
      await drive(port.sets.remove(3));
      assert.deepEqual(await drive(port.sets.list()), [0]);
      assert.ok((await rejectionOf(subject, port.sets.open(1))) instanceof TablesMissingError);
      assert.deepEqual(await drive(port.sets.list()), [0], 'to look for it does not make it');
      assert.deepEqual(await drive(contentOf(port.base)), contentNamed('base'));
      const again = await drive(port.sets.make(1));
      assert.deepEqual(await drive(contentOf(again)), NOTHING);
      // The same positions as before: what was removed leaves nothing that would stand above them.
      await drive(fill(again, 'the first'));
      assert.deepEqual(await drive(contentOf(again)), contentNamed('the first'));
      await drive(again.close());
    });

    test('the set in force is not removed; set 0 loses its derived rows and nothing else', async (subject) => {
      const { port, drive } = subject;
      await drive(port.base.createGeneration(GENERATION));
      const account = { user: 'alice', passwordHash: null, createdAt: 1 };
      await drive(port.base.createAccount(account));
      await drive(port.base.park('messages', 0, 5));
      await drive(port.base.saveRebuild('{}'));
      await drive(fill(port.base, 'base'));
      assert.ok((await rejectionOf(subject, port.sets.remove(0))) instanceof StoreError);
      await drive(port.base.switchTables({ tables: 1, epoch: 7 }));
      await drive(drive(port.sets.make(1)).then((store) => store.close()));
      assert.ok((await rejectionOf(subject, port.sets.remove(1))) instanceof StoreError);
      await drive(port.base.durable());
      await drive(port.sets.remove(0));
      assert.deepEqual(await drive(contentOf(port.base)), NOTHING);
      assert.deepEqual(await drive(port.base.loadAccount('alice')), account);
      assert.deepEqual([...(await drive(port.base.readParked('messages', 0)))], [5]);
      assert.equal(await drive(port.base.loadRebuild()), '{}');
      assert.deepEqual(await drive(port.base.loadGeneration()), { ...GENERATION, tables: 1 });
    });

    test('what one process makes durable and puts in force, another one finds', async ({ port, drive }) => {
      await drive(port.base.createGeneration(GENERATION));
      assert.equal((await drive(port.base.loadGeneration()))!.tables, 0);
      const others = await drive(port.others());
      const one = await drive(others.sets.make(1));
      await drive(fill(one, 'the first'));
      await drive(one.durable());
      assert.equal(await drive(others.base.switchTables({ tables: 1, epoch: 8 })), true);
      await drive(others.base.saveRebuild('{}'));
      assert.deepEqual(await drive(port.base.loadGeneration()), {
        ...GENERATION,
        tables: 1,
        epoch: 8,
        epochOfInbox: 7,
      });
      assert.equal(await drive(port.base.switchTables({ tables: 1, epoch: 9 })), false);
      const here = await drive(port.sets.open(1));
      assert.deepEqual(await drive(contentOf(here)), contentNamed('the first'));
      await drive(here.close());
      await drive(one.close());
      await drive(others.close());
      assert.equal(await drive(port.base.loadRebuild()), '{}');
    });

    test('no number but a whole one from 0 on is taken', async (subject) => {
      for (const number of [-1, 1.5, Number.NaN]) {
        assert.ok((await rejectionOf(subject, subject.port.sets.open(number))) instanceof RangeError);
        assert.ok((await rejectionOf(subject, subject.port.sets.make(number))) instanceof RangeError);
        assert.ok((await rejectionOf(subject, subject.port.sets.remove(number))) instanceof RangeError);
      }
    });
  });
}
