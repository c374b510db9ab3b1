// Who is connected where. Adapters: embedded/ (memory), redis/. Contract: test/contract/session-registry.ts.
//
// Losing it loses no message: edges notice by `epoch()`, register their sessions again and tell them `behind`.

/** One run of one edge or api process; where its delivery stream is. */
export interface NodeAddress {
  /** Stable name of the process, for logs. */
  readonly node: string;
  /** Unique per start. Entries of an earlier incarnation are dead. */
  readonly incarnation: string;
}

export function addressKey(address: NodeAddress): string {
  return `${address.node}/${address.incarnation}`;
}

export interface ConnectedAt {
  readonly address: NodeAddress;
  /** Those of the users asked for that have a session there. */
  readonly users: readonly string[];
}

export interface SessionRegistry {
  /** After it resolves, every `lookup` that starts finds these users at `address`. Idempotent. */
  register(address: NodeAddress, users: readonly string[]): Promise<void>;
  /** These users have no session at `address` any more. Idempotent. Calls of one address are applied in their order. */
  unregister(address: NodeAddress, users: readonly string[]): Promise<void>;
  /** Where these users are connected; nothing for those who are not. */
  lookup(users: readonly string[]): Promise<readonly ConnectedAt[]>;
  /** Forgets everything registered at `address`: its stream is gone. */
  removeNode(address: NodeAddress): Promise<void>;
  /** Changes whenever registrations may have been lost. */
  epoch(): Promise<string>;
  close(): Promise<void>;
}
