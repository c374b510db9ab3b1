// A connection that never lets a caller wait for a server that is away: nothing is queued while it is not connected, what
// is on the wire fails with the connection, and a server that says nothing for two seconds counts as away.
import { Redis } from 'ioredis';

export interface RedisConnectionOptions {
  /** Longest silence while an answer is awaited; a blocking read adds what it blocks for. */
  readonly silence_ms_max?: number;
  /** Commands of one turn of the event loop go as one write, one such write in flight. */
  readonly pipelined?: boolean;
}

const SILENCE_MS_MAX = 2_000;
const RECONNECT_MS_FIRST = 50;
const RECONNECT_MS_MAX = 1_000;

/** `endpoint`: `host:port` or `redis://...`. It goes on reconnecting until `disconnect()`. @throws if the first try fails */
export async function connectRedis(endpoint: string, options: RedisConnectionOptions = {}): Promise<Redis> {
  const url = endpoint.includes('://') ? endpoint : `redis://${endpoint}`;
  const silence_ms_max = options.silence_ms_max ?? SILENCE_MS_MAX;
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: options.pipelined ?? true,
    connectTimeout: SILENCE_MS_MAX,
    socketTimeout: silence_ms_max,
    retryStrategy: (attempt) => Math.min(RECONNECT_MS_MAX, RECONNECT_MS_FIRST * 2 ** Math.min(attempt, 10)),
  });
  // Each command tells its caller; without a listener the connection would print to the console.
  redis.on('error', () => {});
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw error;
  }
  return redis;
}

/** Which run of which server this is: another one has forgotten what was not on its disk. */
export async function runIdOf(redis: Redis): Promise<string> {
  const found = /^run_id:(\S+)/m.exec(await redis.info('server'));
  if (found === null) throw new Error('the server does not say its run_id');
  return found[1]!;
}
