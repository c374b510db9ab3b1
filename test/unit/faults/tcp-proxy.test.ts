// The proxy that takes its time, on sockets of this machine.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { TcpProxy } from '../../cluster/tcp-proxy.ts';

const LATENCY_MS = 60;

/** A connection through a proxy to somebody who says everything again. */
async function withEcho(work: (proxy: TcpProxy, ask: (text: string) => void, heard: () => string) => Promise<void>) {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await TcpProxy.to(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const socket = connect(proxy.port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes;
  });
  try {
    await once(socket, 'connect');
    await work(
      proxy,
      (asked) => socket.write(asked),
      () => text,
    );
  } finally {
    socket.destroy();
    await proxy.close();
    server.close();
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('with latency an answer takes it both ways, at least', async () => {
  await withEcho(async (proxy, ask, heard) => {
    proxy.latency_ms = LATENCY_MS;
    const from = performance.now();
    ask('a');
    await until(() => heard() === 'a');
    assert.ok(performance.now() - from >= 2 * LATENCY_MS);
  });
});

test('the order stays when the latency ends while something is on its way', async () => {
  await withEcho(async (proxy, ask, heard) => {
    proxy.latency_ms = LATENCY_MS;
    ask('a');
    await new Promise((resolve) => setTimeout(resolve, LATENCY_MS / 3));
    proxy.latency_ms = 0;
    ask('b');
    await until(() => heard().length === 2);
    assert.equal(heard(), 'ab');
  });
});
