// Sends are numbered per connection, and answered by the log.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../services/kernel/limits.ts';
import { type Frame, sendRequest, settle, startHandNode } from './hand-driven.ts';

const summary = (frames: Frame[]) =>
  frames.map(({ id, type, code, number }) => [id, code ?? type, ...(number === undefined ? [] : [number])]);

test('a send is accepted only after the log confirmed it', async () => {
  const { log, signIn } = await startHandNode();
  const alice = await signIn('alice');
  assert.deepEqual(await alice.send(1), []);
  log.appends[0]!.succeed();
  await settle();
  assert.deepEqual(alice.socket.take(), [{ id: 1001, type: 'accepted' }]);
});

test('sends gather while an append is in flight and go out together, in order', async () => {
  const { log, signIn } = await startHandNode();
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  await alice.send(1);
  await alice.send(2, 3);
  await bob.send(1);
  assert.deepEqual(log.payloads(), [['1']]);
  log.appends[0]!.succeed();
  await settle();
  assert.deepEqual(log.payloads(), [['1'], ['2', '3', '1']]);
});

test('everything behind a failed send is refused out of turn, also what stood in a later batch', async () => {
  const { log, signIn } = await startHandNode();
  const alice = await signIn('alice');
  await alice.send(1, 2);
  await alice.send(3, 4);
  log.appends[0]!.fail();
  await settle();
  assert.deepEqual(summary(alice.socket.take()), [
    [1001, 'log_unavailable'],
    [1002, 'out_of_turn', 1],
    [1003, 'out_of_turn', 1],
    [1004, 'out_of_turn', 1],
  ]);
  assert.deepEqual(log.payloads(), [['1', '2']], 'nothing of the connection was appended behind the failure');
  assert.deepEqual(summary(await alice.send(5)), [[1005, 'out_of_turn', 1]], 'what was on the wire is refused as well');

  await alice.send(1, 2);
  log.appends[1]!.succeed();
  await settle();
  assert.deepEqual(summary(alice.socket.take()), [
    [1001, 'accepted'],
    [1002, 'accepted'],
  ]);
});

test('the failure of one connection holds up no other', async () => {
  const { log, signIn } = await startHandNode();
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  await alice.send(1);
  await alice.send(2);
  await bob.send(1);
  log.appends[0]!.fail();
  await settle();
  assert.deepEqual(log.payloads(), [['1'], ['1']]);
  log.appends[1]!.succeed();
  await settle();
  assert.deepEqual(summary(bob.socket.take()), [[1001, 'accepted']]);
});

test('a number below or above the next one is refused with the number that is expected', async () => {
  const { log, signIn } = await startHandNode();
  const alice = await signIn('alice');
  await alice.send(1);
  assert.deepEqual(summary(await alice.send(1, 3)), [
    [1001, 'out_of_turn', 2],
    [1003, 'out_of_turn', 2],
  ]);
  assert.deepEqual(log.payloads(), [['1']]);
});

test('a send that is refused for good uses its number up', async () => {
  const { signIn } = await startHandNode();
  const alice = await signIn('alice');
  const tooLong = { ...sendRequest(1), payload: 'x'.repeat(limits.payload_bytes_max + 1) };
  assert.deepEqual(summary(await alice.say(tooLong)), [[1001, 'payload_too_large']]);
  assert.deepEqual(summary(await alice.say({ ...sendRequest(2), conversationId: 'd:1:a' })), [[1002, 'invalid_field']]);
  assert.deepEqual(summary(await alice.send(3)), []);
});

test('a send that is invalid and not the next one is refused out of turn, and uses nothing up', async () => {
  const { signIn } = await startHandNode();
  const alice = await signIn('alice');
  assert.deepEqual(summary(await alice.say({ ...sendRequest(2), payload: 5 })), [[1002, 'out_of_turn', 1]]);
});

test('a send whose id cannot be read uses nothing up', async () => {
  const { log, signIn } = await startHandNode();
  const alice = await signIn('alice');
  for (const id of [undefined, '1', -1]) {
    assert.deepEqual(summary(await alice.say({ ...sendRequest(1), id })), [[null, 'invalid_field']]);
  }
  assert.deepEqual(summary(await alice.send(1)), []);
  assert.deepEqual(log.payloads(), [['1']]);
});

test('what is refused out of turn says which number is expected, whether it is a repeat or too early', async () => {
  const { signIn } = await startHandNode();
  const alice = await signIn('alice');
  await alice.send(1);
  for (const { message } of await alice.send(1, 3)) assert.match(String(message), /^Number 2 is expected next: /);
});

test('a hanging append is given up at its deadline, and others go on', async () => {
  const { node, runtime, log, signIn } = await startHandNode();
  const [alice, bob] = [await signIn('alice'), await signIn('bob')];
  await alice.send(1);
  await bob.send(1);
  await runtime.advance(5_000);
  assert.deepEqual(summary(alice.socket.take()), [[1001, 'log_unavailable']]);
  assert.equal(node.ready(), false, 'a node whose appends hang is not ready');
  assert.equal(log.appends.length, 2);
  log.appends[1]!.succeed();
  log.appends[0]!.succeed();
  await settle();
  assert.deepEqual(summary(bob.socket.take()), [[1001, 'accepted']]);
  assert.deepEqual(alice.socket.take(), [], 'a late confirmation is not a second answer');
  assert.equal(node.ready(), true);
});

test('while appends hang, what waits is refused in time and no request is added without bound', async () => {
  const { runtime, log, signIn } = await startHandNode();
  const alice = await signIn('alice');
  for (let round = 0; round < 8; round++) {
    await alice.send(1);
    await runtime.advance(5_000);
    assert.deepEqual(summary(alice.socket.take()), [[1001, 'log_unavailable']]);
    await alice.say({ id: 9, type: 'heartbeat' });
  }
  assert.equal(log.appends.length, 4);
  log.appends[0]!.fail();
  await alice.send(1);
  assert.equal(log.appends.length, 5);
});
