// Three real brokers, three copies of everything, two of them before an acknowledgement, and the ways to hurt them.
//
//   plain        all on 127.0.0.1
//   namespaces   each with an address of its own; one can be cut off from the others, and not from clients
//   small-disk   the log of one is on a small file system, which can be filled
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type KafkaCluster,
  type KafkaClusterNode,
  type ServerOptions,
  startKafkaCluster,
} from '../../../infra/local/servers.ts';
import { waitUntil } from '../../cluster/ledger/index.ts';
import { type BrokerNetwork, BrokerNetworks } from './broker-network.ts';
import { type PartitionView, viewOf } from './partition-view.ts';
import { MountedDisk, type SmallDisk } from './small-disk.ts';

export { NotOnThisMachineError } from './namespace.ts';
export type { PartitionView } from './partition-view.ts';

export type BrokersKind = 'plain' | 'namespaces' | 'small-disk';

export interface Broker {
  readonly id: number;
  /** host:port, for clients. */
  readonly address: string;
  /** The file that it writes its log to. */
  readonly log: string;
  pid(): number;
  isRunning(): boolean;
  /** SIGKILL, SIGSTOP, SIGCONT, or SIGTERM for an orderly end. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it ended, however. @throws Error when it does not in time */
  ended(wait_ms: number): Promise<void>;
  /** After its end: the same again, on its data and address. Resolves when it answers. @throws LocalServerError */
  restart(): Promise<void>;
}

export interface Brokers {
  /** host:port of each, separated by commas. */
  readonly kafka: string;
  /** By id - 1. */
  readonly nodes: readonly Broker[];
  /** Of `namespaces`. */
  readonly network: BrokerNetwork | null;
  /** Of `small-disk`. */
  readonly disk: SmallDisk | null;
  /** All partitions, as this broker knows them, or the first that answers. @throws Error when none does */
  partitions(asked?: Broker): Promise<readonly PartitionView[]>;
  /** Resolves, with the time it took, when all brokers have all they should, by the word of each of them. @throws Error */
  untilInSync(wait_ms: number): Promise<number>;
  /** Ends all of them, and takes away what they had. */
  stop(): Promise<void>;
}

const COUNT = 3;
/** By id: any would do. */
const SMALL_DISK_ID = 2;
/** Asking three brokers is not for nothing. */
const POLL_MS = 200;
const END_MS_MAX = 10_000;

/** @throws NotOnThisMachineError, LocalServerError; then nothing is left running */
export async function startBrokers(kind: BrokersKind = 'plain', options: ServerOptions = {}): Promise<Brokers> {
  const network = kind === 'namespaces' ? await BrokerNetworks.open(COUNT) : null;
  const disk = kind === 'small-disk' ? await MountedDisk.mount(SMALL_DISK_ID) : null;
  const home = network ?? disk;
  try {
    const cluster = await startKafkaCluster(COUNT, {
      ...options,
      ...(home === null ? {} : { place: (nodes) => nodes.map((node) => home.place(node)) }),
    });
    return new RunningBrokers(cluster, network, disk);
  } catch (error) {
    await home?.close();
    throw error;
  }
}

class RunningBrokers implements Brokers {
  readonly kafka: string;
  readonly nodes: readonly Broker[];
  readonly network: BrokerNetworks | null;
  readonly disk: MountedDisk | null;
  readonly #cluster: KafkaCluster;

  constructor(cluster: KafkaCluster, network: BrokerNetworks | null, disk: MountedDisk | null) {
    this.kafka = cluster.kafka;
    this.nodes = cluster.nodes.map((node) => new RunningBroker(node));
    this.network = network;
    this.disk = disk;
    this.#cluster = cluster;
  }

  async partitions(asked?: Broker): Promise<readonly PartitionView[]> {
    let failure: unknown = new Error('no broker is running');
    for (const broker of asked === undefined ? this.nodes : [asked]) {
      try {
        return await viewOf(broker.address);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async untilInSync(wait_ms: number): Promise<number> {
    let late = 'no answer';
    const isInSync = async () => {
      for (const broker of this.nodes) {
        const views = await this.partitions(broker).catch(() => null);
        const lagging = views?.filter(({ leader, replicas, inSync }) => leader < 0 || inSync.length < replicas.length);
        late = `broker ${broker.id}: ${lagging === undefined ? 'no answer' : `${lagging.length} partitions lag`}`;
        if (lagging?.length === 0) continue;
        await sleep(POLL_MS);
        return false;
      }
      return true;
    };
    return waitUntil(() => `the brokers are in sync again (${late})`, isInSync, wait_ms);
  }

  async stop(): Promise<void> {
    await this.#cluster.stop();
    await Promise.all([this.network?.close(), this.disk?.close()]);
  }
}

class RunningBroker implements Broker {
  readonly id: number;
  readonly address: string;
  readonly log: string;
  readonly #node: KafkaClusterNode;
  #exited: Promise<void> | null = null;
  #isRunning = true;

  constructor(node: KafkaClusterNode) {
    this.#node = node;
    this.id = node.id;
    this.address = node.address;
    this.log = node.log;
    this.#watch();
  }

  pid(): number {
    return this.#node.pid();
  }

  isRunning(): boolean {
    return this.#isRunning;
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid(), signal);
  }

  async ended(wait_ms: number): Promise<void> {
    await waitUntil(`broker ${this.id} ends`, () => !this.#isRunning, wait_ms);
  }

  async restart(): Promise<void> {
    await this.ended(END_MS_MAX);
    await this.#node.restart();
    this.#watch();
  }

  #watch(): void {
    this.#isRunning = true;
    const exited = this.#node.exited().then(() => {
      if (this.#exited === exited) this.#isRunning = false;
    });
    this.#exited = exited;
  }
}
