// A WebSocket client for load: text frames, no extensions, and as little of Node between the kernel and the bytes as its
// public interface allows. The loader shares the machine with the server, so what it costs is taken from the server:
// with 500 members a message is 500 reads, and a stream with its events costs several times this (bench/README.md).
//
// - `onread`: every socket reads into one buffer, and its callback is called with the bytes at once.
// - Frames are handed on as (bytes, start, end) of that buffer, valid during the call.
// - Frames of one turn of the event loop leave in one write.
// - The masking key is zero: legal bytes on the wire (RFC 6455, 5.3 asks for an unpredictable key to protect proxies, and
//   there is none on the loopback), and the server unmasks as ever.
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const READ_BYTES = 256 * 1024;
const WRITE_BYTES = 16 * 1024;
const HANDSHAKE_BYTES_MAX = 8 * 1024;
const CONNECT_MS_MAX = 10_000;
const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MASKED = 0x80;
const HEADER_BYTES = 8;
const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const;

const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

export interface WebSocketHandlers {
  /** One text frame; the bytes are only valid during the call. */
  onFrame(bytes: Uint8Array, start: number, end: number): void;
  /** Once, and not for a `close` of our own. */
  onClose(reason: string): void;
}

export class WebSocketClient {
  readonly #socket: Socket;
  readonly #handlers: WebSocketHandlers;
  readonly #accept: string;
  /** The beginning of a frame (or of the handshake) whose rest has not come. */
  #rest: Buffer | null = null;
  #open: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #out = Buffer.allocUnsafe(WRITE_BYTES);
  #out_bytes = 0;
  #closed = false;
  readonly #flush = () => this.#write();

  private constructor(url: URL, protocol: string, handlers: WebSocketHandlers) {
    this.#handlers = handlers;
    const key = randomBytes(16).toString('base64');
    this.#accept = createHash('sha1').update(`${key}${HANDSHAKE_GUID}`).digest('base64');
    const onread = {
      buffer: readBuffer,
      callback: (length: number, bytes: Uint8Array) => {
        this.#read(bytes as Buffer, length);
        return true;
      },
    };
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true, onread }, () => {
      this.#socket.write(
        `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
      );
    });
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#end('the connection ended'));
  }

  static async connect(url: string, protocol: string, handlers: WebSocketHandlers): Promise<WebSocketClient> {
    const client = new WebSocketClient(new URL(url), protocol, handlers);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => client.#end('the handshake took too long'), CONNECT_MS_MAX);
      client.#open = {
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
    });
    return client;
  }

  /** ASCII only: one byte a character. Leaves at the end of this turn of the event loop. */
  sendAscii(text: string): void {
    if (this.#closed) return;
    this.#reserve(text.length);
    this.#header(OPCODE.text, text.length);
    this.#out_bytes += this.#out.write(text, this.#out_bytes, 'latin1');
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #reserve(length: number): void {
    if (this.#out_bytes === 0) queueMicrotask(this.#flush);
    const needed = this.#out_bytes + HEADER_BYTES + length;
    if (needed <= this.#out.length) return;
    const larger = Buffer.allocUnsafe(2 * needed);
    this.#out.copy(larger, 0, 0, this.#out_bytes);
    this.#out = larger;
  }

  #header(opcode: number, length: number): void {
    const out = this.#out;
    let at = this.#out_bytes;
    if (length > 0xffff) throw new RangeError('a frame of the loader has at most 64 KiB');
    out[at++] = 0x80 | opcode;
    if (length < 126) {
      out[at++] = MASKED | length;
    } else {
      out[at++] = MASKED | 126;
      out[at++] = length >> 8;
      out[at++] = length & 0xff;
    }
    for (let i = 0; i < 4; i++) out[at++] = 0;
    this.#out_bytes = at;
  }

  #write(): void {
    if (this.#out_bytes === 0) return;
    const bytes = this.#out.subarray(0, this.#out_bytes);
    this.#out_bytes = 0;
    // Written at once as a rule; only if the kernel's buffer was full must the bytes stay as they are.
    this.#socket.write(bytes);
    if (this.#socket.writableLength > 0) this.#out = Buffer.allocUnsafe(WRITE_BYTES);
  }

  #read(bytes: Buffer, length: number): void {
    if (this.#closed) return;
    let all = bytes;
    let end = length;
    if (this.#rest !== null) {
      all = Buffer.concat([this.#rest, bytes.subarray(0, length)]);
      end = all.length;
      this.#rest = null;
    }
    const done = this.#open !== null ? this.#handshake(all, end) : 0;
    const taken = this.#open !== null ? done : this.#frames(all, done, end);
    if (taken < end && !this.#closed) this.#rest = Buffer.from(all.subarray(taken, end));
  }

  /** Returns where the first frame begins; 0 while the answer is incomplete. */
  #handshake(bytes: Buffer, end: number): number {
    const over = bytes.subarray(0, end).indexOf('\r\n\r\n');
    if (over < 0) {
      if (end > HANDSHAKE_BYTES_MAX) this.#end('the handshake has no end');
      return 0;
    }
    const head = bytes.toString('latin1', 0, over);
    if (!head.startsWith('HTTP/1.1 101') || !head.includes(this.#accept)) {
      this.#end(`no WebSocket: ${head.split('\r\n')[0]}`);
      return 0;
    }
    const open = this.#open!;
    this.#open = null;
    open.resolve();
    return over + 4;
  }

  /** Hands on the whole frames from `at`; returns where the first one begins that is not whole. */
  #frames(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (end - at >= 2) {
      let start = at + 2;
      let length = bytes[at + 1]!;
      if (length === 126) {
        if (end - at < 4) break;
        length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
        start = at + 4;
      } else if (length === 127) {
        if (end - at < 10) break;
        length = bytes.readUInt32BE(at + 6);
        start = at + 10;
      }
      if (start + length > end) break;
      if (bytes[at] === (0x80 | OPCODE.text)) this.#handlers.onFrame(bytes, start, start + length);
      else this.#control(bytes, at, start, start + length);
      if (this.#closed) return end;
      at = start + length;
    }
    return at;
  }

  #control(bytes: Buffer, at: number, start: number, end: number): void {
    const opcode = bytes[at]! & 0x0f;
    if (opcode === OPCODE.ping) {
      this.#reserve(end - start);
      this.#header(OPCODE.pong, end - start);
      this.#out_bytes += bytes.copy(this.#out, this.#out_bytes, start, end);
    } else if (opcode === OPCODE.close) {
      this.#end(
        `closed: ${end - start >= 2 ? `${bytes.readUInt16BE(start)} ` : ''}${bytes.toString('utf8', start + 2, end)}`,
      );
    } else if (opcode !== OPCODE.pong) {
      this.#end(`a frame that the protocol has not (opcode ${opcode})`);
    }
  }

  #end(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    const open = this.#open;
    this.#open = null;
    if (open !== null) open.reject(new Error(reason));
    else this.#handlers.onClose(reason);
  }
}
