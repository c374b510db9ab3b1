// One process at a time, across processes. link() makes the lock appear in one step with its owner's process id
// and start inside, so that a lock left by a killed process is recognised, also when its id is in use again.
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAliveStill } from './process-identity.ts';

const POLL_MS = 200;

/** Runs `work` while no other process holds the lock at `path`. `owner`: whom we wait for, as told once. */
export async function withLock<T>(
  path: string,
  owner: string,
  progress: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  await acquire(path, owner, progress);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

let attempts = 0;

async function acquire(path: string, owner: string, progress: (line: string) => void): Promise<void> {
  const mine = `${path}.${process.pid}-${attempts++}`;
  writeFileSync(mine, identityOf(process.pid));
  try {
    for (let waited = false; ; waited = true) {
      try {
        linkSync(mine, path);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      if (isAbandoned(path)) {
        rmSync(path, { force: true });
        continue;
      }
      // In this process it is one of our own servers, which has told what it does.
      if (!waited && ownerOf(path) !== identityOf(process.pid)) progress(`waiting for ${owner}…`);
      await sleep(POLL_MS);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function isAbandoned(path: string): boolean {
  const owner = ownerOf(path);
  return owner !== undefined && !isAliveStill(owner);
}

function ownerOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // released just now
  }
}
