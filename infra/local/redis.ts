// Redis 6.2: the binary that a jar carries, or the distribution's where the jar has none for this machine.
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Cache } from './cache.ts';
import { freePorts, HOST } from './free-ports.ts';
import { unpackedJars } from './java-class-path.ts';
import type { Prepared } from './prepared.ts';

/** Nothing is written to disk: what Redis holds here is derived from the log. */
export async function prepareRedis(
  cache: Cache,
  folder: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<Prepared> {
  const [port] = await freePorts(1);
  const settings = {
    bind: HOST,
    port: String(port),
    dir: folder,
    save: '',
    appendonly: 'no',
    // The folder in the process's name is how it is recognised later.
    'proc-title-template': `{title} ${folder} {listen-addr}`,
  };
  return {
    address: `${HOST}:${port}`,
    ports: [port!],
    executable: redisExecutable(await unpackedJars('redis', cache, env, progress)),
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    ready_ms_max: 10_000,
  };
}

/** Rejects unless the server answers a PING. */
export async function askRedis(address: string): Promise<void> {
  const client = new Redis(address.includes('://') ? address : `redis://${address}`, {
    lazyConnect: true,
    connectTimeout: 2_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  client.on('error', () => {}); // connect() rejects with it
  try {
    await client.connect();
    await client.ping();
  } finally {
    client.disconnect();
  }
}

// redis-server-6.2.6-v5-linux-amd64, redis-server-6.2.7-linux-arm64, redis-server-6.2.6-v5-darwin-arm64, …
function redisExecutable(folder: string): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = readdirSync(folder).find((file) => file.endsWith(`-${process.platform}-${architecture}`));
  if (name === undefined || !existsSync(join(folder, name))) return 'redis-server';
  const path = join(folder, name);
  chmodSync(path, 0o755);
  return path;
}
