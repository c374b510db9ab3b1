import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewriteBrokerPorts } from '../../faults/servers/broker-ports.ts';

/** An answer of Kafka's: its length, then this. */
function answer(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function broker(port: number): Buffer {
  const portBytes = Buffer.alloc(4);
  portBytes.writeUInt32BE(port);
  return Buffer.concat([Buffer.from([0, 9]), Buffer.from('127.0.0.1'), portBytes]);
}

const PORTS = new Map([
  [20_001, 30_001],
  [20_002, 30_002],
]);
const told = answer(Buffer.from('one'), broker(20_001), broker(20_002), broker(20_003), Buffer.from('127.0.0.1'));
const wanted = answer(Buffer.from('one'), broker(30_001), broker(30_002), broker(20_003), Buffer.from('127.0.0.1'));

test('ports of brokers become those of their proxies, others stay', () => {
  assert.deepEqual(rewriteBrokerPorts(PORTS)(Buffer.from(told)), wanted);
});

test('wherever an answer is cut, it comes out whole and rewritten, and so does the next one', () => {
  const both = Buffer.concat([told, told]);
  for (let cut = 0; cut <= both.length; cut++) {
    const rewrite = rewriteBrokerPorts(PORTS);
    const out = [both.subarray(0, cut), both.subarray(cut)].map((piece) => Buffer.from(rewrite(Buffer.from(piece))));
    assert.deepEqual(Buffer.concat(out), Buffer.concat([wanted, wanted]), `cut at ${cut}`);
  }
});

test('byte by byte, too', () => {
  const rewrite = rewriteBrokerPorts(PORTS);
  const out = Array.from(told, (byte) => Buffer.from(rewrite(Buffer.from([byte]))));
  assert.deepEqual(Buffer.concat(out), wanted);
});

test('an answer leaves as soon as it is whole', () => {
  const rewrite = rewriteBrokerPorts(PORTS);
  assert.equal(rewrite(Buffer.from(told.subarray(0, 10))).length, 0);
  assert.equal(rewrite(Buffer.concat([told.subarray(10), told.subarray(0, 3)])).length, told.length);
});
