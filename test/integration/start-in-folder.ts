// The embedded profile in this process, in a folder of its own, on free ports.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfiguration } from '../../services/kernel/configuration.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { type EmbeddedOptions, type EmbeddedServer, startEmbedded } from '../../services/profiles/embedded.ts';

export async function startInFolder(
  env: Record<string, string> = {},
  options: EmbeddedOptions = {},
): Promise<{ server: EmbeddedServer; folder: string; remove: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'fanlog-embedded-'));
  const loaded = loadConfiguration({ PORT: '0', FANLOG_DATA: join(folder, 'data'), ...env });
  if ('errors' in loaded) throw new Error(loaded.errors.join('\n'));
  const server = await startEmbedded(loaded.configuration, { logger: silentLogger, ...options });
  const remove = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { server, folder, remove };
}
