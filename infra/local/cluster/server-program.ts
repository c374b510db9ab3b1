// Kafka, Cassandra or Redis that the cluster started, under the same supervision as a role: it comes back on its port
// and data.
import { tailOf } from '../log-tail.ts';
import type { LocalServer } from '../servers.ts';
import type { Launched, Program } from './supervised-process.ts';

const LOG_LINES_TOLD = 3;

/** The server runs and answers. null: it is not ours to start again. */
export function programOfServer(server: LocalServer): Program | null {
  const { restart, exited } = server;
  if (restart === undefined || exited === undefined) return null;
  let isFirst = true;
  return {
    name: server.name,
    launch: async (): Promise<Launched> => {
      if (!isFirst) await restart();
      isFirst = false;
      const ended = exited().then(() => {
        const words = tailOf(server.log!, LOG_LINES_TOLD);
        return { how: words === '' ? 'its log is empty' : `its last words:\n${words}`, byItself: false };
      });
      return { pid: server.pid!, exited: ended };
    },
    isReady: async () => true, // a restart resolves when it answers
    end: () => server.stop(),
  };
}
