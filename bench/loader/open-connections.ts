// Users of the run, each with a token of the application's own key and one connection.
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { Tokens } from '../../services/kernel/tokens.ts';
import type { Target } from '../scenarios/scenario.ts';
import { ChatConnection } from './chat-connection.ts';
import type { Traffic } from './traffic.ts';

const OPENED_AT_ONCE = 50;

export async function mintToken({ appKey }: Target, user: string): Promise<string> {
  const tokens = new Tokens({
    secret: appKey,
    appKey,
    isUser: (id: unknown): id is string => typeof id === 'string',
    runtime: systemRuntime,
  });
  return (await tokens.issue(user, 'app')).token;
}

export interface OpenedConnections {
  readonly connections: readonly ChatConnection[];
  /** Rejects when one of them fails. */
  readonly failed: Promise<never>;
}

export async function openConnections(
  target: Target,
  traffic: Traffic,
  users: readonly string[],
): Promise<OpenedConnections> {
  let onFailure: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    onFailure = reject;
  });
  failed.catch(() => {}); // whoever measures looks at it later
  const connections: ChatConnection[] = [];
  for (let i = 0; i < users.length; i += OPENED_AT_ONCE) {
    const opened = users.slice(i, i + OPENED_AT_ONCE).map(async (user) => {
      return ChatConnection.open({
        url: target.edgeUrl,
        user,
        token: await mintToken(target, user),
        traffic,
        onFailure: (error) => onFailure(error),
      });
    });
    connections.push(...(await Promise.race([Promise.all(opened), failed])));
  }
  return { connections, failed };
}
