// Connections between clients and edges: frames arrive in order in each direction, or not at all. A connection breaks at
// any time; each side learns of it in its own time, and what was on the way may be lost in either direction. A slow
// reader lets frames pile up until the edge has to drop some.
import type { ClientSocket, ClientSocketHandlers, ConnectSocket } from '../../../services/client/index.ts';
import type { EdgeSocket } from '../../../services/edge/edge-socket.ts';
import type { Faults } from '../kernel/faults.ts';
import { type Scheduler, type Task, WORLD } from '../kernel/scheduler.ts';
import type { SimProcess } from '../kernel/sim-process.ts';

/** What an edge does with one connection. */
export interface EdgeSide {
  onFrame(text: string): void;
  /** The socket takes frames again. */
  onDrained(): void;
  onClosed(): void;
}

export interface EdgeListener {
  readonly process: SimProcess;
  accept(socket: EdgeSocket): EdgeSide;
}

/** Sees every frame as it is sent: what the checker records. */
export interface NetworkTap {
  fromClient(connection: object, user: string, text: string): void;
  fromEdge(connection: object, user: string, text: string): void;
}

const ABNORMAL = 1006;
/** Bytes a slow socket buffers. Real ones take 256 KiB; a handful of frames does it here. */
const BUFFER_BYTES_MAX = 2_000;

const decoder = new TextDecoder();

export class SimulatedNetwork {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly #listeners = new Map<string, EdgeListener>();
  readonly #connections = new Set<NetworkConnection>();
  readonly #tap: NetworkTap;

  constructor(scheduler: Scheduler, faults: Faults, tap: NetworkTap) {
    this.scheduler = scheduler;
    this.faults = faults;
    this.#tap = tap;
  }

  /** Whoever connects to `url` from now on comes to this edge. */
  listen(url: string, listener: EdgeListener): void {
    this.#listeners.set(url, listener);
    listener.process.atCrash(() => {
      if (this.#listeners.get(url) === listener) this.#listeners.delete(url);
    });
  }

  /** Nobody answers at `url` until someone listens again. */
  unlisten(url: string): void {
    this.#listeners.delete(url);
  }

  /** `connect` of the SDK, for a device of `user`. */
  connector(user: string, process: SimProcess): ConnectSocket {
    return (url, handlers) => {
      const connection = new NetworkConnection(this, user, process, handlers, this.#tap, () => {
        this.#connections.delete(connection);
      });
      this.#connections.add(connection);
      connection.open(() => this.#listeners.get(url));
      return connection;
    };
  }

  /** Breaks one connection, if there is one. */
  breakOne(): boolean {
    if (this.#connections.size === 0) return false;
    this.scheduler.random.pick([...this.#connections]).break();
    return true;
  }

  /** One connection's reader stops reading for a while, if there is one. */
  slowOne(duration_ms: number): boolean {
    if (this.#connections.size === 0) return false;
    this.scheduler.random.pick([...this.#connections]).stall(duration_ms);
    return true;
  }

  /** After healing every reader reads. */
  unstallAll(): void {
    for (const connection of this.#connections) connection.unstall();
  }
}

class NetworkConnection implements ClientSocket {
  readonly #network: SimulatedNetwork;
  readonly #user: string;
  readonly #client: SimProcess;
  readonly #handlers: ClientSocketHandlers;
  readonly #tap: NetworkTap;
  readonly #forget: () => void;
  readonly #toEdge = new Wire();
  readonly #toClient = new Wire();
  #edge: SimProcess | null = null;
  #side: EdgeSide | null = null;
  /** Nothing that is sent from now on arrives. */
  #broken = false;
  /** That side has closed it, or was told that it is closed. */
  #clientDone = false;
  #edgeDone = false;
  #clientTold = false;
  /** While the reader is slow: frames that wait, and their bytes. */
  #stalled: string[] | null = null;
  #stalledBytes = 0;
  #dropped = false;

  constructor(
    network: SimulatedNetwork,
    user: string,
    client: SimProcess,
    handlers: ClientSocketHandlers,
    tap: NetworkTap,
    forget: () => void,
  ) {
    this.#network = network;
    this.#user = user;
    this.#client = client;
    this.#handlers = handlers;
    this.#tap = tap;
    this.#forget = forget;
    client.atCrash(() => this.break());
  }

  open(find: () => EdgeListener | undefined): void {
    const { scheduler } = this.#network;
    scheduler.schedule(scheduler.latency_ms(), WORLD, 'net.connect', () => {
      if (this.#clientDone || this.#broken) return;
      const listener = find();
      if (listener === undefined || listener.process.state === 'dead') {
        this.#tellClient(ABNORMAL, 'refused', scheduler.latency_ms());
        return;
      }
      this.#edge = listener.process;
      listener.process.atCrash(() => this.break());
      this.#travel(this.#toEdge, listener.process, 'net.accept', () => {
        this.#side = listener.accept(this.#edgeSocket());
        this.#travel(this.#toClient, this.#client, 'net.open', () => {
          if (!this.#clientDone) this.#handlers.onOpen();
        });
      });
    });
  }

  send(text: string): void {
    if (this.#clientDone || this.#edge === null) return;
    this.#note('->', text);
    this.#tap.fromClient(this, this.#user, text);
    this.#travel(this.#toEdge, this.#edge, 'net.frame', () => {
      if (!this.#edgeDone) this.#side?.onFrame(text);
    });
  }

  close(code: number, reason: string): void {
    if (this.#clientDone) return;
    this.#clientDone = true;
    if (this.#edge !== null) this.#travel(this.#toEdge, this.#edge, 'net.close', () => this.#endEdge());
    this.#tellClient(code, reason, this.#network.scheduler.latency_ms());
  }

  /** Each side finds out in its own time. Of what was on the way the first few frames still arrive, or none. */
  break(): void {
    if (this.#broken) return;
    this.#broken = true;
    const { random } = this.#network.scheduler;
    for (const wire of [this.#toEdge, this.#toClient]) wire.cut(random.chance(0.5) ? 0 : random.below(wire.size + 1));
    this.#tellClient(ABNORMAL, 'broken', random.chance(0.8) ? random.between(1, 200) : random.between(200, 5_000));
    const edgeDelay_ms = random.chance(0.8) ? random.between(1, 300) : random.between(300, 20_000);
    this.#edge?.later(edgeDelay_ms, 'net.broken', () => this.#endEdge());
  }

  stall(duration_ms: number): void {
    if (this.#stalled !== null) return;
    this.#stalled = [];
    this.#stalledBytes = 0;
    this.#network.scheduler.schedule(duration_ms, WORLD, 'net.unstall', () => this.unstall());
  }

  unstall(): void {
    const waiting = this.#stalled;
    if (waiting === null) return;
    this.#stalled = null;
    for (const text of waiting) this.#deliver(text);
    if (!this.#dropped) return;
    this.#dropped = false;
    this.#edge?.later(this.#network.scheduler.latency_ms(), 'net.drained', () => {
      if (!this.#edgeDone) this.#side?.onDrained();
    });
  }

  #note(direction: string, text: string): void {
    const { trace, now_ms } = this.#network.scheduler;
    if (trace.lines !== null) trace.note(now_ms, this.#client.name, `${direction} ${this.#edge?.name} ${text}`);
  }

  #edgeSocket(): EdgeSocket {
    return {
      send: (frame) => this.#sendToClient(typeof frame === 'string' ? frame : decoder.decode(frame)),
      cork: (write) => write(),
      end: (code, reason) => {
        if (this.#edgeDone) return;
        this.unstall();
        this.#travel(this.#toClient, this.#client, 'net.end', () => this.#tellClient(code, reason, 0));
        // As with a real socket, the edge hears of the end at once, within its call.
        this.#endEdge();
      },
    };
  }

  #sendToClient(text: string): 'sent' | 'buffered' | 'dropped' {
    if (this.#edgeDone) throw new Error('the edge wrote to a socket that is closed');
    if (this.#stalled !== null && this.#stalledBytes + text.length > BUFFER_BYTES_MAX) {
      if (!this.#dropped) this.#network.faults.count('socket_slow');
      this.#dropped = true;
      return 'dropped';
    }
    this.#note('<-', text);
    this.#tap.fromEdge(this, this.#user, text);
    if (this.#stalled === null) {
      this.#deliver(text);
      return 'sent';
    }
    this.#stalledBytes += text.length;
    this.#stalled.push(text);
    return 'buffered';
  }

  #deliver(text: string): void {
    this.#travel(this.#toClient, this.#client, 'net.frame', () => {
      if (!this.#clientDone) this.#handlers.onFrame(text);
    });
  }

  #tellClient(code: number, reason: string, delay_ms: number): void {
    this.#client.later(delay_ms, 'net.closed', () => {
      if (this.#clientTold) return;
      this.#clientTold = true;
      this.#clientDone = true;
      this.#forget();
      this.#handlers.onClose(code, reason);
    });
  }

  #endEdge(): void {
    if (this.#edgeDone) return;
    this.#edgeDone = true;
    this.#forget();
    this.#side?.onClosed();
  }

  #travel(wire: Wire, to: SimProcess, label: string, arrive: () => void): void {
    if (!this.#broken) wire.put(this.#network.scheduler, to, label, arrive);
  }
}

/** One direction of a connection: first in, first out. */
class Wire {
  readonly #inFlight = new Set<Task>();
  #last_ms = 0;

  get size(): number {
    return this.#inFlight.size;
  }

  put(scheduler: Scheduler, to: SimProcess, label: string, arrive: () => void): void {
    this.#last_ms = Math.max(this.#last_ms, scheduler.now_ms + scheduler.latency_ms());
    const task = to.later(this.#last_ms - scheduler.now_ms, label, () => {
      this.#inFlight.delete(task);
      arrive();
    });
    this.#inFlight.add(task);
  }

  /** Loses everything behind the first `kept` frames. */
  cut(kept: number): void {
    let count = 0;
    for (const task of this.#inFlight) if (count++ >= kept) task.run = null;
  }
}
