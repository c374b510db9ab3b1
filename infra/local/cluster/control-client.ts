// The other end of control-server.ts.
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import { HOST } from '../free-ports.ts';
import { ClusterError } from './cluster-error.ts';
import type { ClusterRecord } from './cluster-folder.ts';
import type { ClusterStatus } from './cluster-status.ts';

/** Longer than a role takes to be ready, or to drain. */
const ANSWER_MS_MAX = 120_000;

export class ControlClient {
  readonly #record: ClusterRecord;

  constructor(record: ClusterRecord) {
    this.#record = record;
  }

  async status(): Promise<ClusterStatus> {
    return JSON.parse(await this.#ask('GET', '/status')) as ClusterStatus;
  }

  /** Resolves with the name of the new process. @throws ClusterError */
  async add(role: string): Promise<string> {
    return (JSON.parse(await this.#ask('POST', `/add?role=${encodeURIComponent(role)}`)) as { name: string }).name;
  }

  /** @throws ClusterError */
  async remove(name: string): Promise<void> {
    await this.#ask('POST', `/remove?name=${encodeURIComponent(name)}`);
  }

  /** Resolves when everything but the supervisor itself has ended. */
  async stop(tell: (line: string) => void): Promise<void> {
    await this.#ask('POST', '/stop', tell);
  }

  /** The body, or what is told line by line. @throws ClusterError: what the supervisor said, or that it said nothing */
  #ask(method: string, path: string, tell?: (line: string) => void): Promise<string> {
    const { controlPort: port, token, pid } = this.#record;
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const options = { host: HOST, port, method, path, headers, agent: false, timeout: ANSWER_MS_MAX };
      const fail = (error: Error) => {
        reject(new ClusterError(`The supervisor (process ${pid}) does not answer: ${error.message}`, { cause: error }));
      };
      const asked = request(options, (response) => {
        const lines: string[] = [];
        createInterface(response)
          .on('line', (line) => {
            lines.push(line);
            tell?.(line);
          })
          .on('close', () => {
            const body = lines.join('\n');
            if (response.statusCode === 200) resolve(body);
            else reject(new ClusterError(messageOf(body) ?? `The supervisor refused (${response.statusCode}).`));
          });
        response.on('error', fail);
      });
      asked.on('timeout', () => asked.destroy(new Error(`for ${ANSWER_MS_MAX / 1000} s`)));
      asked.on('error', fail);
      asked.end();
    });
  }
}

function messageOf(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { message?: string }).message;
  } catch {
    return undefined;
  }
}
