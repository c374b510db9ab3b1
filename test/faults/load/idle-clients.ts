// Thousands of clients who say nothing: the SDK, signed in, each with a connection that it opens again when it is lost.
// Their number, not their traffic, is what an edge that ends has to put somewhere else.
import { FanlogClient } from '../../../services/client/index.ts';
import { connectNode, systemRuntime } from '../../../services/client/node.ts';
import { Tokens } from '../../../services/kernel/tokens.ts';
import { waitUntil } from '../../cluster/ledger/index.ts';

export interface IdleClientsOptions {
  readonly count: number;
  readonly appKey: string;
  readonly edges: () => readonly string[];
  /** A client that ended: it should not have. */
  readonly onFailure: (sentence: string) => void;
}

/** Descriptors: a process may have 20,000, and our side of each connection takes one of ours. */
export const IDLE_MAX = 15_000;
const OPENED_AT_ONCE = 100;
const OPEN_MS_MAX = 60_000;

export class IdleClients {
  readonly #clients: FanlogClient[] = [];
  readonly #options: IdleClientsOptions;
  readonly #tokens: Tokens;

  private constructor(options: IdleClientsOptions) {
    this.#options = options;
    const { appKey } = options;
    const isUser = (id: unknown): id is string => typeof id === 'string';
    this.#tokens = new Tokens({ secret: appKey, appKey, isUser, runtime: systemRuntime });
  }

  /** All are connected. @throws Error when they are not in a minute for each hundred */
  static async open(options: IdleClientsOptions): Promise<IdleClients> {
    const idle = new IdleClients(options);
    for (let from = 0; from < options.count; from += OPENED_AT_ONCE) {
      const count = Math.min(OPENED_AT_ONCE, options.count - from);
      for (let i = 0; i < count; i++) idle.#add(from + i);
      await idle.whenAllLive(OPEN_MS_MAX);
    }
    return idle;
  }

  get count(): number {
    return this.#clients.length;
  }

  /** Connected, and at the end of their inboxes. */
  get live(): number {
    return this.#clients.reduce((live, { state }) => live + (state === 'live' ? 1 : 0), 0);
  }

  /** Resolves with how long it took. @throws Error when it takes longer than `wait_ms` */
  whenAllLive(wait_ms: number): Promise<number> {
    const who = () => `${this.count} idle clients are connected, ${this.live} were`;
    return waitUntil(who, () => this.live === this.count, wait_ms);
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #add(index: number): void {
    const { edges, onFailure } = this.#options;
    const user = `idle-${index}`;
    const client = new FanlogClient({
      edges: async () => edges(),
      token: async () => (await this.#tokens.issue(user, 'app')).token,
      device: 'idle',
      runtime: systemRuntime,
      connect: connectNode,
    });
    client.on('error', ({ code, message }) => onFailure(`the idle client ${index} ended (${code}): ${message}`));
    this.#clients.push(client);
    void client.start();
  }
}
