// Who is connected where, in this process's memory. It lives and dies with the sessions it lists, so its epoch never
// changes: nothing can be lost while somebody is there to ask.
import type { Runtime } from '../../../kernel/runtime.ts';
import { addressKey, type ConnectedAt, type NodeAddress, type SessionRegistry } from '../session-registry.ts';

interface Node {
  readonly address: NodeAddress;
  readonly users: Set<string>;
}

export class MemorySessionRegistry implements SessionRegistry {
  readonly #epoch: string;
  readonly #nodes = new Map<string, Node>();
  /** Where a user is. Nearly everyone is at one node: then the value is that node, not a set. */
  readonly #places = new Map<string, Node | Set<Node>>();

  constructor(runtime: Runtime) {
    this.#epoch = Buffer.from(runtime.randomBytes(8)).toString('hex');
  }

  async register(address: NodeAddress, users: readonly string[]): Promise<void> {
    const key = addressKey(address);
    let node = this.#nodes.get(key);
    if (node === undefined) {
      if (users.length === 0) return;
      node = { address, users: new Set() };
      this.#nodes.set(key, node);
    }
    for (const user of users) {
      if (node.users.has(user)) continue;
      node.users.add(user);
      const place = this.#places.get(user);
      if (place === undefined) this.#places.set(user, node);
      else if (place instanceof Set) place.add(node);
      else this.#places.set(user, new Set([place, node]));
    }
  }

  async unregister(address: NodeAddress, users: readonly string[]): Promise<void> {
    const key = addressKey(address);
    const node = this.#nodes.get(key);
    if (node === undefined) return;
    for (const user of users) this.#remove(node, user);
    if (node.users.size === 0) this.#nodes.delete(key);
  }

  async lookup(users: readonly string[]): Promise<readonly ConnectedAt[]> {
    const found = new Map<Node, string[]>();
    const add = (node: Node, user: string) => {
      const there = found.get(node);
      if (there === undefined) found.set(node, [user]);
      else there.push(user);
    };
    for (const user of users) {
      const place = this.#places.get(user);
      if (place === undefined) continue;
      if (place instanceof Set) for (const node of place) add(node, user);
      else add(place, user);
    }
    return Array.from(found, ([node, there]) => ({ address: node.address, users: there }));
  }

  async removeNode(address: NodeAddress): Promise<void> {
    const node = this.#nodes.get(addressKey(address));
    if (node !== undefined) await this.unregister(address, [...node.users]);
  }

  async epoch(): Promise<string> {
    return this.#epoch;
  }

  async close(): Promise<void> {
    this.#nodes.clear();
    this.#places.clear();
  }

  #remove(node: Node, user: string): void {
    if (!node.users.delete(user)) return;
    const place = this.#places.get(user);
    if (!(place instanceof Set)) {
      this.#places.delete(user);
      return;
    }
    place.delete(node);
    if (place.size > 1) return;
    for (const last of place) this.#places.set(user, last);
  }
}
