// The port for whoever runs fanlog: `/livez`, `/readyz`, `/metrics`. One in every process, whatever its roles; opened
// first and closed last, so that a process can be asked while it starts and while it drains. Not for the public.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from '../kernel/logger.ts';
import { CONTENT_TYPE, type Collector, expose } from './exposition.ts';
import type { ReadinessReport } from './readiness.ts';

const NO_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);
/** A balancer, a scraper, and a few people. */
const CONNECTIONS_MAX = 64;
const REQUEST_MS_MAX = 5_000;

export interface OperationsOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly logger: Logger;
  readonly report: () => ReadinessReport;
  /** Asked at each scrape; more may be added while the process starts. */
  readonly collectors: readonly Collector[];
}

export interface OperationsServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Listens on all interfaces. Rejects with the system's error when it cannot. */
export async function startOperations(options: OperationsOptions): Promise<OperationsServer> {
  const server = createServer(
    { requestTimeout: REQUEST_MS_MAX, headersTimeout: REQUEST_MS_MAX },
    (request, response) => {
      void answer(options, request, response);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, options.port);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(options: OperationsOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, type, body } = await answerTo(options, request).catch((error: unknown): Answer => {
    options.logger.error('a probe or scrape failed', { error: error instanceof Error ? error.stack : String(error) });
    return json(500, { status: 'failed' });
  });
  if (status === 405) response.setHeader('allow', 'GET, HEAD');
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answerTo({ report, collectors }: OperationsOptions, { url, method }: IncomingMessage): Promise<Answer> {
  const path = (url ?? '').split('?')[0];
  const known = path === '/livez' || path === '/readyz' || path === '/metrics';
  if (!known) return json(404, { status: 'not_found', paths: ['/livez', '/readyz', '/metrics'] });
  if (method !== 'GET' && method !== 'HEAD') return json(405, { status: 'method_not_allowed' });
  // That it answers is what this one asks.
  if (path === '/livez') return json(200, { status: 'live' });
  if (path === '/readyz') {
    const readiness = report();
    return json(readiness.status === 'ready' ? 200 : 503, readiness);
  }
  const families = await Promise.all(collectors.map((collect) => collect()));
  return { status: 200, type: CONTENT_TYPE, body: expose(families.flat()) };
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` };
}

/** `::` is all interfaces but where IPv6 is switched off. */
async function listen(server: Server, port: number): Promise<void> {
  try {
    await listenOn(server, '::', port);
  } catch (error) {
    if (!NO_IPV6.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await listenOn(server, '0.0.0.0', port);
  }
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
