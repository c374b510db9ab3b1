// Ids of commands that come without one: UUIDv7 by this process's clock.
import { v7 } from 'uuid';
import type { Runtime } from '../kernel/runtime.ts';

export function newCommandId(runtime: Runtime): string {
  return v7({ msecs: runtime.now(), random: runtime.randomBytes(16) });
}
