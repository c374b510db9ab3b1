// One socket: frames instead of text, request ids, and silence after `drop`.
import type { ServerFrame } from '../protocol/frames.ts';
import type { ClientSocket, ConnectSocket } from './client-socket.ts';

export interface ConnectionHandlers {
  onOpen(connection: Connection): void;
  onFrame(connection: Connection, frame: ServerFrame): void;
  onClose(connection: Connection, code: number, reason: string): void;
}

const NORMAL_CLOSURE = 1000;

export class Connection {
  #socket: ClientSocket | null;
  #isDropped = false;
  #id = 0;

  /** Throws what `connect` throws. */
  constructor(connect: ConnectSocket, url: string, handlers: ConnectionHandlers) {
    this.#socket = connect(url, {
      onOpen: () => {
        if (!this.#isDropped) handlers.onOpen(this);
      },
      onFrame: (text) => {
        if (this.#isDropped) return;
        const frame = parse(text);
        if (frame !== null) handlers.onFrame(this, frame);
        else {
          this.drop('a frame was not JSON');
          handlers.onClose(this, 1006, 'the server sent a frame that is not JSON');
        }
      },
      onClose: (code, reason) => {
        this.#socket = null;
        if (this.#isDropped) return;
        this.#isDropped = true;
        handlers.onClose(this, code, reason);
      },
    });
  }

  /** An id for the next request. */
  nextId(): number {
    return ++this.#id;
  }

  send(text: string): void {
    if (!this.#isDropped) this.#socket?.send(text);
  }

  /** Closes it and hears nothing of it any more. */
  drop(reason: string): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#socket?.close(NORMAL_CLOSURE, reason);
    this.#socket = null;
  }
}

function parse(text: string): ServerFrame | null {
  try {
    const frame = JSON.parse(text);
    return typeof frame === 'object' && frame !== null ? frame : null;
  } catch {
    return null;
  }
}
