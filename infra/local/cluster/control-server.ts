// How `npm run cluster -- --status`, `--add`, `--remove` and `--stop` reach the supervisor: HTTP on 127.0.0.1, for
// whoever can read the token in the record file, which is its owner only.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HOST } from '../free-ports.ts';
import { LocalServerError } from '../local-server-error.ts';
import { ClusterError } from './cluster-error.ts';
import type { ClusterStatus } from './cluster-status.ts';

export type ControlActions = {
  readonly status: () => Promise<ClusterStatus>;
  /** Resolves with the name. */
  readonly add: (role: string) => Promise<string>;
  readonly remove: (name: string) => Promise<void>;
  /** Tells what it does, a line each; resolves when all has ended. */
  readonly stop: (tell: (line: string) => void) => Promise<void>;
};

const TOKEN_BYTES = 32;

export class ControlServer {
  readonly #server: Server;
  readonly token: string = randomBytes(TOKEN_BYTES).toString('base64url');

  constructor(actions: ControlActions) {
    this.#server = createServer((request, response) => {
      if (!this.#isAllowed(request)) return void response.writeHead(403).end();
      void answer(request, response, actions);
    });
  }

  /** Resolves with the port. */
  async listen(): Promise<number> {
    this.#server.listen(0, HOST);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  #isAllowed({ headers }: IncomingMessage): boolean {
    const digest = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${this.token}`));
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, actions: ControlActions): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control');
  try {
    switch (`${request.method} ${pathname}`) {
      case 'GET /status':
        return json(response, 200, await actions.status());
      case 'POST /add':
        return json(response, 200, { name: await actions.add(searchParams.get('role') ?? '') });
      case 'POST /remove':
        await actions.remove(searchParams.get('name') ?? '');
        return json(response, 200, {});
      case 'POST /stop':
        await actions.stop((line) => void response.write(`${line}\n`));
        return void response.end();
      default:
        return json(response, 404, { message: `${request.method} ${pathname} is not known here.` });
    }
  } catch (error) {
    const isForPeople = error instanceof ClusterError || error instanceof LocalServerError;
    const message = isForPeople ? error.message : String((error as Error).stack ?? error);
    if (response.headersSent) return void response.end(`${message}\n`);
    json(response, isForPeople ? 409 : 500, { message });
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
