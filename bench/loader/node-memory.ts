// What a Node process says of its own memory, asked through its inspector, which can also make it collect its garbage:
// without that, the memory of a process is mostly how long ago it collected last.
import { WebSocket } from 'ws';

const ANSWER_MS_MAX = 60_000;

export interface NodeMemory {
  /** Of the heap of JavaScript: what is used, and what is mapped for it. */
  readonly heapUsed: number;
  readonly heapTotal: number;
  /** Of native objects that JavaScript holds, buffers included. */
  readonly external: number;
  readonly arrayBuffers: number;
}

/** Bytes, after a full collection. Rejects when the process does not answer. */
export async function collectGarbage(inspectorUrl: string): Promise<NodeMemory> {
  const socket = new WebSocket(inspectorUrl, { perMessageDeflate: false });
  try {
    await within(new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject)));
    await call(socket, 1, 'HeapProfiler.collectGarbage');
    const expression = 'process.memoryUsage()';
    const answer = await call(socket, 2, 'Runtime.evaluate', { expression, returnByValue: true });
    return (answer as { result: { value: NodeMemory } }).result.value;
  } finally {
    socket.terminate();
  }
}

function call(socket: WebSocket, id: number, method: string, params: object = {}): Promise<unknown> {
  const answered = new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('the inspector hung up')));
    socket.on('message', function read(data) {
      const message = JSON.parse(String(data)) as { id?: number; result?: unknown; error?: { message: string } };
      if (message.id !== id) return;
      socket.off('message', read);
      if (message.error === undefined) resolve(message.result);
      else reject(new Error(`${method}: ${message.error.message}`));
    });
  });
  socket.send(JSON.stringify({ id, method, params }));
  return within(answered);
}

function within<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the inspector does not answer')), ANSWER_MS_MAX);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
