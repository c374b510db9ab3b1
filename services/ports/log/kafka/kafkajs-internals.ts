// The one module that reaches into kafkajs: its wire protocol, its connections and its view of the cluster. Its own
// producer and consumer are not used; the package's traps (infra/decisions, README) sit in those two.
//
// kafkajs is not maintained any more, so what is patched here is patched for one version, and any other is refused.
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

const KAFKAJS_VERSION = '2.2.4';

/** That of fetches, which are answered within half a second. */
export const METADATA_CONNECTION = 1;

export interface WireEncoder {
  writeInt16(value: number): WireEncoder;
  writeInt32(value: number): WireEncoder;
  writeString(value: string | null): WireEncoder;
  writeBuffer(value: Uint8Array): WireEncoder;
}

export interface WireDecoder {
  readInt16(): number;
  readInt32(): number;
  readBoolean(): boolean;
  readString(): string | null;
  readArray<T>(readOne: () => T): T[];
}

/** A request as kafkajs sends it; `response` may be replaced by a decoder of our own. */
export interface WireRequest<Decoded = unknown> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<WireEncoder>;
  };
  readonly response: { decode(raw: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<Decoded> };
}

export interface Connection {
  readonly socket?: Socket;
  isConnected(): boolean;
  rejectRequests(error: Error): void;
  disconnect(): Promise<boolean>;
  send<Decoded>(request: WireRequest<Decoded>): Promise<Decoded>;
}

export interface JoinedGroup {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

interface PartitionOffsets {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
}

export interface Broker {
  readonly nodeId: string | number;
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;
  readonly connectionPool: {
    readonly pool: readonly Connection[];
    getConnection(index: number): Promise<Connection>;
    send<Decoded>(request: WireRequest<Decoded>): Promise<Decoded>;
  };
  listOffsets(query: {
    isolationLevel: number;
    topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
  }): Promise<{ responses: readonly PartitionOffsets[] }>;
  deleteRecords(query: {
    topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
  }): Promise<unknown>;
  joinGroup(query: {
    groupId: string;
    memberId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    groupProtocols: { name: string; metadata: Buffer }[];
  }): Promise<JoinedGroup>;
  syncGroup(query: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ memberAssignment: Buffer }>;
  heartbeat(query: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(query: { groupId: string; memberId: string }): Promise<unknown>;
  offsetCommit(query: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: PartitionOffsets[];
  }): Promise<unknown>;
}

export interface PartitionMetadata {
  readonly partitionErrorCode: number;
  readonly partitionId: number;
  /** -1: nobody. */
  readonly leader: number;
  /** Rises with every change of leader. */
  readonly leaderEpoch: number;
}

/** In the form that kafkajs has for it. */
export interface ClusterMetadata {
  readonly brokers: readonly {
    readonly nodeId: number;
    readonly host: string;
    readonly port: number;
    readonly rack: string | null;
  }[];
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly partitionMetadata: readonly PartitionMetadata[];
  }[];
}

export interface BrokerPool {
  readonly brokers: Readonly<Record<string, Broker>>;
  readonly seedBroker?: Broker;
  readonly metadata: ClusterMetadata | null;
  /** The next of the addresses that the client was given. */
  createSeedBroker(): Promise<void>;
}

export interface Cluster {
  readonly brokerPool: BrokerPool;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(query: { nodeId: string }): Promise<Broker>;
  findGroupCoordinator(query: { groupId: string }): Promise<Broker>;
}

export interface ClusterOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly connectionTimeout: number;
  /** Where to connect for a broker that says it is at this address. */
  readonly route: (host: string, port: number) => { readonly host: string; readonly port: number };
  /** Why no connection is to be opened any more; null: it may. */
  readonly refuseSockets: () => string | null;
  readonly metadataRequest: (topics: readonly string[]) => WireRequest<ClusterMetadata>;
  /** Whom to ask about the cluster, of nodes that are known; null: any of them, or one of `brokers`. */
  readonly choice: { next(nodeIds: readonly string[]): string | null; suspect(nodeId: string): void };
  /** Told which node is asked for metadata. */
  readonly onAsked: (nodeId: string) => void;
  readonly log: (level: string, message: string) => void;
}

interface RequestQueuePrototype {
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  scheduleCheckPendingRequests(): void;
}

interface ConnectionPrototype {
  socket?: Socket;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  connect(): Promise<unknown>;
  disconnect(): Promise<boolean>;
}

const require = createRequire(import.meta.url);

const { version } = require('kafkajs/package.json') as { version: string };
if (version !== KAFKAJS_VERSION)
  throw new Error(`kafkajs ${version} is installed; what fanlog patches in it was read in ${KAFKAJS_VERSION}`);

const ClusterOfKafkajs = require('kafkajs/src/cluster') as new (options: object) => Cluster;
const RequestQueue = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueuePrototype };
const ConnectionOfKafkajs = require('kafkajs/src/network/connection') as { prototype: ConnectionPrototype };
const Encoder = require('kafkajs/src/protocol/encoder') as new (initialSize?: number) => WireEncoder;
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => WireDecoder;
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as { createErrorFromCode(code: number): Error };
const createSocket = require('kafkajs/src/network/socketFactory') as () => (options: object) => Socket;
const { createLogger } = require('kafkajs/src/loggers') as { createLogger(options: object): object };
const { MemberMetadata, MemberAssignment } = require('kafkajs/src/consumer/assignerProtocol') as {
  MemberMetadata: { encode(metadata: { version: number; topics: readonly string[] }): Buffer };
  MemberAssignment: {
    encode(assigned: { version: number; assignment: Record<string, number[]> }): Buffer;
    decode(bytes: Buffer): { assignment: Record<string, number[]> } | null;
  };
};
const crc32c = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Uint8Array) => number;

export { crc32c, MemberAssignment, MemberMetadata };

/**
 * As it is, a request queue re-arms a timer of 1 ms for ever: 3.6 % of a core for each broker connection that does
 * nothing. Only what waits, or a broker that asked us to slow down, needs it.
 */
const scheduleCheck = RequestQueue.prototype.scheduleCheckPendingRequests;
RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueuePrototype): void {
  if (this.pending.length > 0) scheduleCheck.call(this);
};

/**
 * As it is, two requests at once over a connection that is closed open two sockets, and one of them leaks; what a former
 * socket left of half an answer is read as the beginning of the next one's first, so that none is found again; and when
 * the former one hears of its end at last, the next one is closed, and appends under way on it are unknown for nothing.
 */
const connect = ConnectionOfKafkajs.prototype.connect;
const connecting = new WeakMap<ConnectionPrototype, Promise<unknown>>();
ConnectionOfKafkajs.prototype.connect = function (this: ConnectionPrototype): Promise<unknown> {
  let promise = connecting.get(this);
  if (promise === undefined) {
    if (!this.isConnected()) {
      if (this.socket !== undefined) forget(this.socket);
      this.chunks = [];
      this.bytesBuffered = 0;
      this.bytesNeeded = 4;
    }
    promise = connect.call(this).finally(() => connecting.delete(this));
    connecting.set(this, promise);
  }
  return promise;
};

/**
 * As it is, what is closed while it is being opened counts as open once it is, and fails whoever is given it. So it fails
 * now, and who waits for it knows that nothing was sent.
 */
const disconnect = ConnectionOfKafkajs.prototype.disconnect;
ConnectionOfKafkajs.prototype.disconnect = async function (this: ConnectionPrototype): Promise<boolean> {
  if (!this.socket?.connecting) return disconnect.call(this);
  this.socket.destroy(new Error('closed before it was open'));
  return true;
};

function forget(socket: Socket): void {
  for (const event of ['data', 'end', 'error', 'timeout']) socket.removeAllListeners(event);
  socket.on('error', () => {});
  socket.destroy();
}

export function newEncoder(size_bytes: number): WireEncoder {
  return new Encoder(size_bytes);
}

export function newDecoder(bytes: Buffer): WireDecoder {
  return new Decoder(bytes);
}

/** With the error's name as its `type`. */
export function protocolError(code: number): Error {
  return createErrorFromCode(code);
}

/** kafkajs retries nothing and times nothing out for us: KafkaClient does. */
export function createCluster(options: ClusterOptions): Cluster {
  const { brokers, clientId, connectionTimeout, refuseSockets, route, log } = options;
  const socketOf = createSocket();
  const cluster = new ClusterOfKafkajs({
    brokers,
    clientId,
    connectionTimeout,
    // Its timeouts are checked by ten wake-ups a second for each connection; ours are one timer a request.
    enforceRequestTimeout: false,
    retry: { retries: 0 },
    allowAutoTopicCreation: false,
    metadataMaxAge: 300_000,
    logger: createLogger({
      level: 2,
      logCreator:
        () =>
        ({ label, log: entry }: { label: string; log: { message: unknown } }) =>
          log(label, String(entry.message)),
    }),
    socketFactory: (options: { host: string; port: number }) => {
      // What a close has cut off goes on to the next broker, and nobody would close that connection.
      const refusal = refuseSockets();
      if (refusal !== null) throw new Error(refusal);
      const socket = socketOf({ ...options, ...route(options.host, options.port) });
      socket.setNoDelay(true);
      // kafkajs unrefs sockets that are long closed, and Node then waits for them to connect: a listener each time.
      const unref = socket.unref;
      socket.unref = () => (socket.destroyed ? socket : unref.call(socket));
      return socket;
    },
  });
  guardQuestions(cluster.brokerPool as GuardedPool, options);
  return cluster;
}

interface GuardedPool extends BrokerPool {
  createBroker(options: object): Broker & { metadata(topics: readonly string[]): Promise<ClusterMetadata> };
  findBroker(query: { nodeId: string }): Promise<Broker>;
  findConnectedBroker(): Promise<Broker>;
  withBroker<T>(ask: (asked: { nodeId: string; broker: Broker }) => Promise<T>): Promise<T>;
}

/**
 * As it is, the pool asks at random, also a broker that has just been found to hang; and it asks where appends and joins
 * are waited for, whose answers come first.
 */
function guardQuestions(pool: GuardedPool, { choice, onAsked, metadataRequest }: ClusterOptions): void {
  const create = pool.createBroker;
  pool.createBroker = (options) => {
    const broker = create(options);
    broker.metadata = async (topics) => {
      const connection = await broker.connectionPool.getConnection(METADATA_CONNECTION);
      return connection.send(metadataRequest(topics));
    };
    return broker;
  };
  const findConnected = pool.findConnectedBroker;
  const find = async (onChosen: (nodeId: string) => void): Promise<Broker> => {
    for (;;) {
      const nodeId = choice.next(Object.keys(pool.brokers));
      if (nodeId === null) return findConnected.call(pool);
      onChosen(nodeId);
      try {
        return await pool.findBroker({ nodeId });
      } catch {
        choice.suspect(nodeId);
      }
    }
  };
  pool.findConnectedBroker = () => find(onAsked);
  pool.withBroker = async (ask) => {
    const broker = await find(() => {});
    return ask({ nodeId: String(broker.nodeId), broker });
  };
}
