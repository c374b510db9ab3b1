// The session registry of a simulation; it can lose everything at once.
import {
  addressKey,
  type ConnectedAt,
  type NodeAddress,
  type SessionRegistry,
} from '../../../services/ports/sessions/session-registry.ts';
import type { Faults } from '../kernel/faults.ts';
import type { Answer, Lane, SimProcess } from '../kernel/sim-process.ts';

function note({ scheduler, name }: SimProcess, text: string): void {
  scheduler.trace.note(scheduler.now_ms, name, text);
}

export class SimulatedRegistry {
  readonly #faults: Faults;
  readonly #nodes = new Map<string, { readonly address: NodeAddress; readonly users: Set<string> }>();
  #epoch = 1;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** As a restart without its memory: registrations are gone, and the epoch says so. */
  wipe(): void {
    this.#nodes.clear();
    this.#epoch++;
  }

  connect(process: SimProcess): SessionRegistry {
    const lane: Lane = { last_ms: 0 };
    const inOrder = <T>(label: string, serve: () => T) => this.#call(process, label, serve, lane);
    return {
      register: (address, users) =>
        inOrder('registry.register', () => {
          note(process, `registers ${users} at ${addressKey(address)}`);
          this.#register(address, users);
        }),
      unregister: (address, users) =>
        inOrder('registry.unregister', () => {
          note(process, `unregisters ${users} at ${addressKey(address)}`);
          this.#unregister(address, users);
        }),
      removeNode: (address) =>
        inOrder('registry.remove', () => {
          note(process, `removes ${addressKey(address)}`);
          this.#nodes.delete(addressKey(address));
        }),
      lookup: (users) => this.#call(process, 'registry.lookup', () => this.#lookup(users)),
      epoch: () => this.#call(process, 'registry.epoch', () => String(this.#epoch)),
      close: () => Promise.resolve(),
    };
  }

  #call<T>(process: SimProcess, label: string, serve: () => T, lane?: Lane): Promise<T> {
    return process.call(
      label,
      (answer: Answer<T>) => {
        if (!this.#faults.strikes('registry_failed')) return answer.resolve(serve());
        this.#faults.count('registry_failed');
        if (process.scheduler.random.chance(0.5)) serve();
        answer.reject(new Error('the simulated registry did not answer'));
      },
      lane,
    );
  }

  #register(address: NodeAddress, users: readonly string[]): void {
    const key = addressKey(address);
    const node = this.#nodes.get(key) ?? { address: { ...address }, users: new Set<string>() };
    for (const user of users) node.users.add(user);
    this.#nodes.set(key, node);
  }

  #unregister(address: NodeAddress, users: readonly string[]): void {
    const node = this.#nodes.get(addressKey(address));
    for (const user of users) node?.users.delete(user);
  }

  #lookup(users: readonly string[]): readonly ConnectedAt[] {
    return [...this.#nodes.values()]
      .map((node) => ({ address: node.address, users: users.filter((user) => node.users.has(user)) }))
      .filter((connected) => connected.users.length > 0);
  }
}
