// The embedded profile: every stage in one process, on one data folder, with the same promises as the cluster.
import type { CommandGateway } from '../api/index.ts';
import type { Configuration } from '../kernel/configuration.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Runtime } from '../kernel/runtime.ts';
import { ROLES } from './roles.ts';
import { type Server, startServer } from './start-server.ts';

export interface EmbeddedOptions {
  readonly runtime?: Runtime;
  readonly logger?: Logger;
  /** Shorter in tests. */
  readonly command_retry_ms?: number;
  readonly command_deadline_ms?: number;
  /** false: commands are appended, nobody decides them. For tests of what a client is told then. */
  readonly processors?: boolean;
}

/** With all its roles, whatever of it a caller wants is there. */
export interface EmbeddedServer extends Server {
  readonly apiUrl: string;
  readonly edgeUrl: string;
  readonly gateway: CommandGateway;
}

/** @throws StartError, DataFolderError: with a sentence for whoever started it. */
export async function startEmbedded(
  configuration: Configuration,
  { processors = true, ...options }: EmbeddedOptions = {},
): Promise<EmbeddedServer> {
  const roles = new Set(processors ? ROLES : (['api', 'edge'] as const));
  const server = await startServer({ ...configuration, cluster: null }, { ...options, roles });
  return server as EmbeddedServer;
}
