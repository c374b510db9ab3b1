// The servers that were left running: one small file each, by which a later run finds and ends them.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cache, ServerName } from './cache.ts';

export type WarmServer = {
  readonly address: string;
  readonly pid: number;
  readonly folder: string;
  readonly log: string;
};

export function readWarm(cache: Cache, name: ServerName): WarmServer | undefined {
  try {
    return JSON.parse(readFileSync(path(cache, name), 'utf8')) as WarmServer;
  } catch {
    return undefined; // none, or half of one, of which nothing is known
  }
}

export function writeWarm(cache: Cache, name: ServerName, server: WarmServer): void {
  const temporary = `${path(cache, name)}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(server)}\n`);
  renameSync(temporary, path(cache, name));
}

export function forgetWarm(cache: Cache, name: ServerName): void {
  rmSync(path(cache, name), { force: true });
}

function path(cache: Cache, name: ServerName): string {
  return join(cache.servers, `warm-${name}.json`);
}
