// A data folder that is not what it was: started on, it would give numbers away twice.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newCommandId } from '../../services/api/index.ts';
import { directConversationId } from '../../services/events/ids.ts';
import { loadConfiguration } from '../../services/kernel/configuration.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { startEmbedded } from '../../services/profiles/embedded.ts';
import { StartError } from '../../services/profiles/start-error.ts';
import { startInFolder } from './start-in-folder.ts';

test('a folder whose log lost its end is refused, in one sentence', async () => {
  const { server, folder } = await startInFolder();
  await server.whenReady();
  const outcome = await server.gateway.submit({
    type: 'SendMessage',
    conversationId: directConversationId('alice', 'bob'),
    sender: 'alice',
    commandId: newCommandId(systemRuntime),
    contentType: 'text/plain',
    keyId: null,
    payload: Buffer.from('hello'),
  });
  assert.equal('result' in outcome && outcome.result, 'sequenced');
  const offset = () => Promise.all([0, 1, 2, 3].map((p) => server.store.loadCheckpoint('messages', p)));
  while (!(await offset()).some((checkpoint) => (checkpoint?.offset ?? 0) > 0)) await new Promise(setImmediate);
  await server.stop();

  rmSync(join(folder, 'data', 'log'), { recursive: true });
  const loaded = loadConfiguration({ PORT: '0', FANLOG_DATA: join(folder, 'data') });
  assert.ok('configuration' in loaded);
  await assert.rejects(
    startEmbedded(loaded.configuration, { logger: silentLogger }),
    (error) => error instanceof StartError && /^The log has lost records: .* Restore /.test(error.message),
  );
  rmSync(folder, { recursive: true });
});
