// What a client's bytes are taken for, and every way of being refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directConversationId } from '../../../services/events/ids.ts';
import type { ErrorCode } from '../../../services/kernel/errors.ts';
import { limits } from '../../../services/kernel/limits.ts';
import { parseRequest } from '../../../services/protocol/parse-request.ts';

const encoder = new TextEncoder();
const parse = (frame: unknown) =>
  parseRequest(
    frame instanceof Uint8Array ? frame : encoder.encode(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    limits,
  );

const CONVERSATION = directConversationId('alice', 'bob');
const COMMAND_ID = '01a1fd54-47a5-730f-a76a-3672dccb8208';
const hello = { id: 1, type: 'hello', token: 'abc', device: 'laptop' };
const send = {
  id: 2,
  type: 'send',
  number: 1,
  conversationId: CONVERSATION,
  clientMessageId: COMMAND_ID,
  payload: 'hi',
};
const sync = { id: 3, type: 'sync', cursor: { epoch: 1, inboxSeq: 0 } };
const history = { id: 4, type: 'history', conversationId: CONVERSATION, after: 0 };

function assertRefused(frame: unknown, code: ErrorCode, detail?: string, id?: number | null): void {
  const result = parse(frame);
  assert.equal(result.type, 'refused', JSON.stringify(frame));
  if (result.type !== 'refused') return;
  assert.equal(result.refused.code, code);
  if (detail !== undefined) assert.equal(result.refused.detail, detail);
  if (id !== undefined) assert.equal(result.id, id);
}

test('every request is read as it stands on the protocol page', () => {
  const frames = [
    hello,
    { ...hello, platform: 'web', cursor: { epoch: 1, inboxSeq: 9 } },
    send,
    { ...send, contentType: 'application/json', payload: '' },
    { ...send, conversationId: `g:${'0f'.repeat(16)}` },
    sync,
    { ...sync, limit: 100 },
    history,
    { id: 4, type: 'history', conversationId: CONVERSATION, before: 5, limit: 1 },
    { id: Number.MAX_SAFE_INTEGER, type: 'heartbeat' },
  ];
  for (const frame of frames) assert.deepEqual(parse(frame), frame);
});

test('fields that this version does not know are left out', () => {
  const cursor = { epoch: 1, inboxSeq: 0, shard: 3 };
  assert.deepEqual(parse({ ...sync, cursor, newer: { deep: [1, 2] } }), sync);
  assert.deepEqual(parse({ ...hello, cursor: { ...cursor } }), { ...hello, cursor: sync.cursor });
});

test('a frame over the limit is refused before it is read', () => {
  assertRefused(new Uint8Array(limits.frame_bytes_max + 1).fill(0xff), 'frame_too_large', undefined, null);
  const padded = JSON.stringify(send).padEnd(limits.frame_bytes_max, ' ');
  assert.equal(parse(padded).type, 'send');
});

test('bytes that are not UTF-8 are refused', () => {
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x22, 0xe2, 0x82, 0x22]]) {
    assertRefused(new Uint8Array(bytes), 'bad_frame', 'not UTF-8', null);
  }
});

test('text that is not JSON, or no object, is refused', () => {
  for (const text of ['', ' ', '{', '{"id":1', "{'id':1}", '{"id":01}', '\u{feff}{}', 'undefined', '{"a":NaN}']) {
    assertRefused(text, 'bad_frame', 'not JSON', null);
  }
  for (const text of ['null', '1', '"hello"', 'true', '[]', `[${JSON.stringify(send)}]`]) {
    assertRefused(text, 'bad_frame', 'not an object', null);
  }
});

test('nesting is bounded before it is parsed, and brackets in strings are none', () => {
  const nested = (depth: number) => `{"id":5,"type":"heartbeat","x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
  assert.equal(parse(nested(8)).type, 'heartbeat');
  assertRefused(nested(9), 'too_deep', undefined, null);
  assertRefused('['.repeat(60_000), 'too_deep');
  assertRefused('{"a":'.repeat(10_000), 'too_deep');
  assert.equal(parse({ ...send, payload: '[{"'.repeat(1_000) }).type, 'send');
  assert.equal(parse({ ...send, payload: '\\"[[[[[[[[[[[[' }).type, 'send');
  assert.equal(parse({ id: 1, type: 'heartbeat', x: Array.from({ length: 50 }, () => [[{}]]) }).type, 'heartbeat');
});

test('the number of values is bounded before it is parsed, and commas in strings are none', () => {
  assert.equal(parse({ id: 1, type: 'heartbeat', x: Array.from({ length: 250 }, () => 0) }).type, 'heartbeat');
  assertRefused({ id: 1, type: 'heartbeat', x: Array.from({ length: 300 }, () => 0) }, 'bad_frame');
  assert.equal(parse({ ...send, payload: ','.repeat(16_000) }).type, 'send');
});

test('a type that no version had is unknown, one that is no text is no frame', () => {
  assertRefused({ id: 6, type: 'subscribe' }, 'unknown_type', undefined, 6);
  assertRefused({ id: 6, type: 'toString' }, 'unknown_type', undefined, 6);
  assertRefused({ id: 6 }, 'bad_frame', 'type', 6);
  assertRefused({ id: 6, type: 7 }, 'bad_frame', 'type', 6);
});

test('an id is a whole number that doubles carry', () => {
  for (const id of [undefined, null, '1', -1, 1.5, 2 ** 53, true, [1]]) {
    assertRefused({ id, type: 'heartbeat' }, 'invalid_field', 'id', null);
  }
  assertRefused('{"id":1e400,"type":"heartbeat"}', 'invalid_field', 'id', null);
});

test('a wrong field is named, with the id of the request', () => {
  const wrong: [object, string][] = [
    [{ ...hello, token: 5 }, 'token'],
    [{ ...hello, token: '' }, 'token'],
    [{ ...hello, token: 'x'.repeat(9_000) }, 'token'],
    [{ ...hello, device: undefined }, 'device'],
    [{ ...hello, device: 'a\u0000b' }, 'device'],
    [{ ...hello, device: 'x'.repeat(65) }, 'device'],
    [{ ...hello, platform: {} }, 'platform'],
    [{ ...hello, cursor: null }, 'cursor'],
    [{ ...hello, cursor: { epoch: 1 } }, 'cursor'],
    [{ ...send, number: 0 }, 'number'],
    [{ ...send, number: '1' }, 'number'],
    [{ ...send, number: 1.5 }, 'number'],
    [{ ...send, conversationId: 'd:5:alice' }, 'conversationId'],
    [{ ...send, conversationId: ['d:5:alice3:bob'] }, 'conversationId'],
    [{ ...send, conversationId: 'd:3:bob5:alice' }, 'conversationId'],
    [{ ...send, conversationId: 'g:XYZ' }, 'conversationId'],
    [{ ...send, clientMessageId: COMMAND_ID.toUpperCase() }, 'clientMessageId'],
    [{ ...send, clientMessageId: COMMAND_ID.replace('-7', '-4') }, 'clientMessageId'],
    [{ ...send, contentType: 5 }, 'contentType'],
    [{ ...send, contentType: 'x'.repeat(129) }, 'contentType'],
    [{ ...send, payload: undefined }, 'payload'],
    [{ ...send, payload: { text: 'hi' } }, 'payload'],
    [{ ...send, payload: 'half \ud83d' }, 'payload'],
    [{ ...sync, cursor: undefined }, 'cursor'],
    [{ ...sync, cursor: { epoch: 1, inboxSeq: -1 } }, 'cursor'],
    [{ ...sync, cursor: [1, 2] }, 'cursor'],
    [{ ...sync, limit: 0 }, 'limit'],
    [{ ...sync, limit: 101 }, 'limit'],
    [{ ...history, conversationId: 'x' }, 'conversationId'],
    [{ ...history, before: 4 }, 'both before and after'],
    [{ ...history, after: undefined }, 'neither before nor after'],
    [{ ...history, after: -1 }, 'after'],
    [{ ...history, after: undefined, before: '4' }, 'before'],
    [{ ...history, after: undefined, before: 0 }, 'before'],
    [{ ...history, limit: 1e9 }, 'limit'],
  ];
  for (const [frame, field] of wrong) {
    assertRefused(frame, 'invalid_field', field, (frame as { id: number }).id);
  }
});

test('a payload is measured in bytes of UTF-8', () => {
  const characters = limits.payload_bytes_max / 4;
  assert.equal(parse({ ...send, payload: '\u{1f600}'.repeat(characters) }).type, 'send');
  assertRefused({ ...send, payload: '\u{1f600}'.repeat(characters + 1) }, 'payload_too_large', undefined, 2);
  assert.equal(parse({ ...send, payload: 'x'.repeat(limits.payload_bytes_max) }).type, 'send');
  assertRefused({ ...send, payload: 'x'.repeat(limits.payload_bytes_max + 1) }, 'payload_too_large');
});

test('a refused send says which number it uses up, when that and its id can be read', () => {
  const numberOf = (frame: object) => {
    const result = parse(frame);
    return result.type === 'refused' ? result.number : undefined;
  };
  assert.equal(numberOf({ ...send, number: 5, payload: null }), 5);
  assert.equal(numberOf({ ...send, number: 5, payload: 'x'.repeat(20_000) }), 5);
  assert.equal(numberOf({ ...send, id: 'x', number: 5 }), null);
  assert.equal(numberOf({ ...send, number: -5 }), null);
  assert.equal(numberOf({ ...sync, number: 5, limit: 0 }), null);
});

test('a refused hello is told from other frames, also without an id', () => {
  const isHello = (frame: object) => {
    const result = parse(frame);
    return result.type === 'refused' && result.isHello;
  };
  assert.ok(isHello({ ...hello, token: 5 }));
  assert.ok(isHello({ ...hello, cursor: 5 }));
  assert.ok(isHello({ ...hello, id: 'x' }));
  for (const frame of [
    {},
    { ...sync, limit: 0 },
    { ...send, id: 'x' },
    { ...send, payload: 5 },
    { id: 1, type: 'x' },
  ]) {
    assert.ok(!isHello(frame), JSON.stringify(frame));
  }
});

test('names of the language itself are ordinary fields', () => {
  assert.deepEqual(parse('{"__proto__":{"id":1},"constructor":1,"id":2,"type":"heartbeat"}'), {
    id: 2,
    type: 'heartbeat',
  });
  assertRefused('{"__proto__":{"id":1,"type":"heartbeat"}}', 'invalid_field', 'id', null);
});
