// Three brokers that each have two networks: one on which they talk to each other, one for clients.
//
//   host 198.18.n.1 ── cable ── .2 ┌ broker 1 ┐ 198.19.0.1 ──┐
//   host 198.18.n.5 ── cable ── .6 ┤ broker 2 ├ 198.19.0.2 ──┼ switch (a bridge in a namespace of its own)
//   host 198.18.n.9 ── cable ─ .10 └ broker 3 ┘ 198.19.0.3 ──┘
//
// To cut a broker off, its port of the switch is taken down: replication, heartbeats and votes stop in both directions,
// without anybody being told, while clients talk to it as before. No namespace has a route to anything else.
// 198.18.0.0/15 is set aside for testing networks (RFC 2544): it is nobody's office and nobody's VPN.
import { networkInterfaces } from 'node:os';
import type { KafkaNode } from '../../../infra/local/kafka.ts';
import { type Namespace, NotOnThisMachineError, openNamespace, runCommand } from './namespace.ts';

// All are free at an address of one's own.
const PORTS = { brokerPort: 9092, controllerPort: 9093 };
const NODES_PORT = 9094;

export interface BrokerNetwork {
  /** No byte from or to the other brokers any more. */
  cutOff(id: number): Promise<void>;
  heal(id: number): Promise<void>;
}

export class BrokerNetworks implements BrokerNetwork {
  readonly #subnet: number;
  readonly #switch: Namespace;
  readonly #brokers: readonly Namespace[];

  private constructor(subnet: number, bridge: Namespace, brokers: readonly Namespace[]) {
    this.#subnet = subnet;
    this.#switch = bridge;
    this.#brokers = brokers;
  }

  /** For brokers 1 to `count`. @throws NotOnThisMachineError, NamespaceError; nothing is left of it then */
  static async open(count: number): Promise<BrokerNetworks> {
    const opened: Namespace[] = [];
    const open = async () => {
      const namespace = await openNamespace('net');
      opened.push(namespace);
      return namespace;
    };
    try {
      const bridge = await open();
      const brokers: Namespace[] = [];
      for (let id = 1; id <= count; id++) brokers.push(await open());
      const networks = new BrokerNetworks(freeSubnet(), bridge, brokers);
      await networks.#lay();
      return networks;
    } catch (error) {
      await Promise.all(opened.map((namespace) => namespace.close()));
      throw error;
    }
  }

  /** The node, at home in its namespace. */
  place(node: KafkaNode): KafkaNode {
    const clients = addressesOf(this.#subnet, node.id).broker;
    const { enter } = this.#brokers[node.id - 1]!;
    return { ...node, ...PORTS, hosts: { clients, nodes: nodeAddress(node.id), nodesPort: NODES_PORT }, enter };
  }

  async cutOff(id: number): Promise<void> {
    await this.#switch.run('ip', 'link', 'set', portOf(id), 'down');
  }

  async heal(id: number): Promise<void> {
    await this.#switch.run('ip', 'link', 'set', portOf(id), 'up');
  }

  /** After the brokers have ended. */
  async close(): Promise<void> {
    await Promise.all([this.#switch, ...this.#brokers].map((namespace) => namespace.close()));
  }

  async #lay(): Promise<void> {
    await this.#switch.run('ip', 'link', 'add', 'switch', 'type', 'bridge');
    await this.#switch.run('ip', 'link', 'set', 'switch', 'up');
    for (const [index, broker] of this.#brokers.entries()) {
      const id = index + 1;
      await this.#layToSwitch(id, broker);
      await this.#layToHost(id, broker);
    }
  }

  async #layToSwitch(id: number, broker: Namespace): Promise<void> {
    const port = portOf(id);
    await broker.run('ip', 'link', 'set', 'lo', 'up');
    await broker.run(
      ...['ip', 'link', 'add', 'nodes', 'type', 'veth', 'peer', 'name', port],
      ...['netns', String(this.#switch.pid)],
    );
    await broker.run('ip', 'address', 'add', `${nodeAddress(id)}/24`, 'dev', 'nodes');
    await broker.run('ip', 'link', 'set', 'nodes', 'up');
    await this.#switch.run('ip', 'link', 'set', port, 'master', 'switch');
    await this.#switch.run('ip', 'link', 'set', port, 'up');
  }

  async #layToHost(id: number, broker: Namespace): Promise<void> {
    const { host, broker: own } = addressesOf(this.#subnet, id);
    const cable = `fanlog${broker.pid}`; // 15 characters at most, and nobody else's as long as the namespace is there
    await runCommand([
      ...['ip', 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'clients'],
      ...['netns', String(broker.pid)],
    ]);
    await runCommand(['ip', 'address', 'add', `${host}/30`, 'dev', cable]);
    await runCommand(['ip', 'link', 'set', cable, 'up']);
    await broker.run('ip', 'address', 'add', `${own}/30`, 'dev', 'clients');
    await broker.run('ip', 'link', 'set', 'clients', 'up');
  }
}

function portOf(id: number): string {
  return `broker${id}`;
}

/** Unknown outside of the namespaces: every run has the same. */
function nodeAddress(id: number): string {
  return `198.19.0.${id}`;
}

/** Both ends of the cable between the host and a broker: a network of four addresses, of which two can be used. */
function addressesOf(subnet: number, id: number): { readonly host: string; readonly broker: string } {
  const first = 4 * (id - 1);
  return { host: `198.18.${subnet}.${first + 1}`, broker: `198.18.${subnet}.${first + 2}` };
}

/** Another run may have brokers of its own. */
function freeSubnet(): number {
  const taken = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  const isFree = (subnet: number) => !taken.some((address) => address.startsWith(`198.18.${subnet}.`));
  const first = process.pid % 256;
  for (let i = 0; i < 256; i++) if (isFree((first + i) % 256)) return (first + i) % 256;
  throw new NotOnThisMachineError('every network in 198.18.0.0/16 is taken');
}
