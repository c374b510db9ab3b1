// Users of the run, each with a token of the application's own key and one connection.
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { Tokens } from '../../services/kernel/tokens.ts';
import type { Target } from '../scenarios/scenario.ts';
import { ChatConnection } from './chat-connection.ts';
import type { Traffic } from './traffic.ts';

const OPENED_AT_ONCE = 50;
/** 2^32 over the golden ratio: neighbours lie far apart. */
const KNUTH = 2_654_435_761;

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

/** `firstIndex`: of the first of `users` among all users of the run; it says who goes to which edge. */
export async function openConnections(
  target: Target,
  traffic: Traffic,
  users: readonly string[],
  firstIndex = 0,
): Promise<OpenedConnections> {
  let onFailure: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    onFailure = reject;
  });
  failed.catch(() => {}); // whoever measures looks at it later
  const connections: ChatConnection[] = [];
  for (let from = 0; from < users.length; from += OPENED_AT_ONCE) {
    const opened = users.slice(from, from + OPENED_AT_ONCE).map(async (user, i) => {
      return ChatConnection.open({
        url: edgeOf(target, firstIndex + from + i),
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

/** Evenly, and so that a pair is sometimes on one edge and sometimes on two: as behind a plain balancer. */
function edgeOf({ edgeUrls }: Target, index: number): string {
  return edgeUrls[(Math.imul(index, KNUTH) >>> 16) % edgeUrls.length]!;
}
