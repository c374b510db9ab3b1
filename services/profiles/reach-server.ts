// A server that is away at the start is waited for, because whole machines are started in any order; but not for ever,
// because an address may be wrong.
import { sleep } from '../kernel/runtime.ts';
import { TopicSettingsError } from '../ports/log/kafka/check-topics.ts';
import { TablesMissingError } from '../ports/store/table-sets.ts';
import type { ProcessParts } from './opened-ports.ts';
import { StartError } from './start-error.ts';

const CONNECT_MS_MAX = 60_000;
const CONNECT_PAUSE_MS = 1_000;

/** `connect`, again and again until it succeeds. @throws StartError after a minute, or at once when it can never succeed */
export async function reach<T>(
  { runtime, logger }: Pick<ProcessParts, 'runtime' | 'logger'>,
  server: string,
  connect: () => Promise<T>,
): Promise<T> {
  const deadline = runtime.monotonic() + CONNECT_MS_MAX;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (error instanceof StartError) throw error;
      if (error instanceof TablesMissingError) throw new StartError(`${server}: ${reason}.`, { cause: error });
      if (error instanceof TopicSettingsError)
        throw new StartError(`${server}: ${reason} Mend the topics, or name new ones (FANLOG_PREFIX).`);
      if (runtime.monotonic() > deadline)
        throw new StartError(
          `${server} cannot be used: ${reason.replace(/[.\s]*$/, '')}. Start it, or mend the setting.`,
        );
      logger.warn('waiting for a server', { server, error: reason });
      await sleep(runtime, CONNECT_PAUSE_MS);
    }
  }
}
