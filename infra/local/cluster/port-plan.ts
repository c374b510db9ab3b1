// Which process gets which port. A process keeps its ports when it is started again: clients know an edge by its port.
import { freePorts, HOST, isFree } from '../free-ports.ts';
import { ClusterError } from './cluster-error.ts';

/** api and edge: for clients; operations: /livez, /readyz and /metrics of every process. */
export type PortSeries = 'api' | 'edge' | 'operations';
/** The first of each series, the others follow it; any free ones without. */
export type FirstPorts = Partial<Record<PortSeries, number>>;

const PORT_MAX = 65_535;

export class PortPlan {
  readonly #first: FirstPorts;
  readonly #given = new Set<number>();

  constructor(first: FirstPorts = {}) {
    this.#first = first;
  }

  /**
   * The next port of the series. `owner` is whom it is for. One that is taken by another process is an error at the
   * start, because whoever chose the first port means those that follow; later it is passed over.
   * @throws ClusterError
   */
  async take(series: PortSeries, owner: string, whenTaken: 'refuse' | 'pass over'): Promise<number> {
    const first = this.#first[series];
    for (;;) {
      const port = first === undefined ? await this.#anyFree() : await this.#next(first, series, owner, whenTaken);
      if (this.#given.has(port)) continue; // somebody else asked at the same time
      this.#given.add(port);
      return port;
    }
  }

  async #next(first: number, series: PortSeries, owner: string, whenTaken: 'refuse' | 'pass over'): Promise<number> {
    for (let port = first; port <= PORT_MAX; port++) {
      if (this.#given.has(port)) continue;
      if (await isFreeEverywhere(port)) return port;
      if (whenTaken === 'pass over') continue;
      const what = series === 'operations' ? `the operations of ${owner}` : owner;
      throw new ClusterError(
        `Port ${port}, for ${what}, is taken by another process. Stop that process, or choose where the ports begin with --port.`,
      );
    }
    throw new ClusterError(`There is no port left for ${owner} above ${first}. Choose a lower one with --port.`);
  }

  async #anyFree(): Promise<number> {
    for (;;) {
      const [port] = await freePorts(1);
      if (await isFreeEverywhere(port!)) return port!;
    }
  }
}

/** Roles listen on all interfaces, and on this machine's own. */
export async function isFreeEverywhere(port: number): Promise<boolean> {
  return (await isFree(port, HOST)) && (await isFree(port, null));
}
