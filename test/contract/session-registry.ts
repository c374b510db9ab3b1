// What every SessionRegistry promises.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressKey, type NodeAddress, type SessionRegistry } from '../../services/ports/sessions/session-registry.ts';
import { type Factory, type Subject, TEST_LIMITS, UNUSUAL_IDS, withSubject } from './subject.ts';

type RegistrySubject = Subject<SessionRegistry>;

const EDGE_1: NodeAddress = { node: 'edge-1', incarnation: 'aaaa' };
const EDGE_2: NodeAddress = { node: 'edge-2', incarnation: 'bbbb' };
const EDGE_1_AGAIN: NodeAddress = { node: 'edge-1', incarnation: 'cccc' };

/** Where each user is, in a form that does not depend on the order of the answer. */
async function places(subject: RegistrySubject, users: readonly string[]): Promise<Record<string, string[]>> {
  const found = await subject.drive(subject.port.lookup(users));
  return Object.fromEntries(
    found.map(({ address, users: there }) => [addressKey(address), [...there].sort()] as const).sort(),
  );
}

export function sessionRegistryContract(name: string, factory: Factory<RegistrySubject>): void {
  const test = (title: string, body: (subject: RegistrySubject) => Promise<void>) =>
    it(title, TEST_LIMITS, withSubject(factory, body));

  describe(`${name} as a SessionRegistry`, () => {
    test('nobody is connected in the beginning', async (subject) => {
      assert.deepEqual(await subject.drive(subject.port.lookup(['alice', 'bob'])), []);
      assert.deepEqual(await subject.drive(subject.port.lookup([])), []);
    });

    test('who was registered is found, and only who was asked for', async (subject) => {
      await subject.drive(subject.port.register(EDGE_1, ['alice', 'bob', 'carol']));
      assert.deepEqual(await places(subject, ['alice', 'bob', 'zoe']), { 'edge-1/aaaa': ['alice', 'bob'] });
    });

    test('an answer carries the whole address', async (subject) => {
      await subject.drive(subject.port.register(EDGE_1, ['alice']));
      const [found] = await subject.drive(subject.port.lookup(['alice']));
      assert.deepEqual({ ...found!.address }, EDGE_1);
    });

    test('registering twice is registering once', async (subject) => {
      await subject.drive(subject.port.register(EDGE_1, ['alice']));
      await subject.drive(subject.port.register(EDGE_1, ['alice', 'alice']));
      assert.deepEqual(await places(subject, ['alice']), { 'edge-1/aaaa': ['alice'] });
      await subject.drive(subject.port.unregister(EDGE_1, ['alice']));
      assert.deepEqual(await places(subject, ['alice']), {});
    });

    test('a user may be at two nodes, and leaves one without leaving the other', async (subject) => {
      await subject.drive(subject.port.register(EDGE_1, ['alice', 'bob']));
      await subject.drive(subject.port.register(EDGE_2, ['alice']));
      assert.deepEqual(await places(subject, ['alice', 'bob']), {
        'edge-1/aaaa': ['alice', 'bob'],
        'edge-2/bbbb': ['alice'],
      });
      await subject.drive(subject.port.unregister(EDGE_1, ['alice']));
      assert.deepEqual(await places(subject, ['alice', 'bob']), { 'edge-1/aaaa': ['bob'], 'edge-2/bbbb': ['alice'] });
    });

    test('unregistering who is not there does nothing', async (subject) => {
      await subject.drive(subject.port.register(EDGE_2, ['alice']));
      await subject.drive(subject.port.unregister(EDGE_1, ['alice', 'nobody']));
      await subject.drive(subject.port.unregister(EDGE_1, []));
      assert.deepEqual(await places(subject, ['alice']), { 'edge-2/bbbb': ['alice'] });
    });

    test('calls of one address are applied in their order, awaited or not', async (subject) => {
      const calls: Promise<void>[] = [];
      for (let i = 0; i < 10; i++) {
        calls.push(subject.port.register(EDGE_1, ['alice']));
        calls.push(subject.port.unregister(EDGE_1, ['alice']));
      }
      calls.push(subject.port.register(EDGE_1, ['alice']));
      await subject.drive(Promise.all(calls));
      assert.deepEqual(await places(subject, ['alice']), { 'edge-1/aaaa': ['alice'] });
    });

    test('removing a node forgets its sessions and nobody else’s', async (subject) => {
      await subject.drive(subject.port.register(EDGE_1, ['alice', 'bob']));
      await subject.drive(subject.port.register(EDGE_2, ['alice']));
      await subject.drive(subject.port.removeNode(EDGE_1));
      await subject.drive(subject.port.removeNode(EDGE_1));
      assert.deepEqual(await places(subject, ['alice', 'bob']), { 'edge-2/bbbb': ['alice'] });
    });

    test('two incarnations of one node are two addresses', async (subject) => {
      await subject.drive(subject.port.register(EDGE_1, ['alice']));
      await subject.drive(subject.port.register(EDGE_1_AGAIN, ['alice']));
      await subject.drive(subject.port.removeNode(EDGE_1));
      assert.deepEqual(await places(subject, ['alice']), { 'edge-1/cccc': ['alice'] });
    });

    test('unusual ids are users like others', async (subject) => {
      await subject.drive(subject.port.register(EDGE_1, UNUSUAL_IDS));
      assert.deepEqual(await places(subject, UNUSUAL_IDS), { 'edge-1/aaaa': [...UNUSUAL_IDS].sort() });
      await subject.drive(subject.port.unregister(EDGE_1, [UNUSUAL_IDS[2]]));
      assert.deepEqual(await places(subject, [UNUSUAL_IDS[2], UNUSUAL_IDS[3]]), { 'edge-1/aaaa': [UNUSUAL_IDS[3]] });
    });

    test('a thousand users are looked up in one call', async (subject) => {
      const users = Array.from({ length: 1_000 }, (_, i) => `user-${i}`);
      await subject.drive(subject.port.register(EDGE_1, users.slice(0, 500)));
      await subject.drive(subject.port.register(EDGE_2, users.slice(400)));
      const found = await places(subject, users);
      assert.equal(found['edge-1/aaaa']!.length, 500);
      assert.equal(found['edge-2/bbbb']!.length, 600);
    });

    test('the epoch stays while nothing is lost', async (subject) => {
      const epoch = await subject.drive(subject.port.epoch());
      await subject.drive(subject.port.register(EDGE_1, ['alice']));
      assert.equal(await subject.drive(subject.port.epoch()), epoch);
      assert.ok(epoch.length > 0);
    });
  });
}
