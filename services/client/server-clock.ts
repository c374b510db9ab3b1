// The server's time, as far as a client knows it, and the ids that are made from it. A client's own clock may be wrong by
// years; an id more than a minute ahead of the log is refused, and one ten minutes behind it is too old.
import { v7 } from 'uuid';
import type { Runtime } from '../kernel/runtime.ts';

export class ServerClock {
  readonly #runtime: Runtime;
  #offset_ms: number | null = null;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Server's time minus this process's; null until the server has told it. */
  get offset_ms(): number | null {
    return this.#offset_ms;
  }

  /** `serverTime`: milliseconds since 1970, from welcome, a heartbeat or the HTTP api. */
  learn(serverTime: number): void {
    this.#offset_ms = serverTime - this.#runtime.now();
  }

  now(): number {
    return Math.max(0, Math.floor(this.#runtime.now() + (this.#offset_ms ?? 0)));
  }

  /** A UUIDv7 in its canonical spelling. */
  makeId(): string {
    return v7({ msecs: this.now(), random: this.#runtime.randomBytes(16) });
  }
}
