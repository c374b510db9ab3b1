// Whoever holds a connection open and says nothing must not keep a server from going down.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startInFolder } from './start-in-folder.ts';

test('the server stops although sockets are open that say nothing, or half a request', async () => {
  const { server, remove } = await startInFolder();
  await server.whenReady();
  const port = Number(new URL(server.apiUrl).port);
  const silent = connect(port, '127.0.0.1');
  const half = connect(port, '127.0.0.1');
  await Promise.all([once(silent, 'connect'), once(half, 'connect')]);
  half.write('POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{');
  const closed = [silent, half].map(
    (socket) =>
      new Promise<void>((resolve) => {
        // A reset is an end as good as any.
        socket.on('error', () => {}).on('close', () => resolve());
        socket.resume();
      }),
  );
  await server.drain();
  await remove();
  await Promise.all(closed);
  assert.equal(silent.destroyed && half.destroyed, true);
});
