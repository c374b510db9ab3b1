// The load of a fault run: the ledger's, with a few hundred clients.
import { Load } from '../../cluster/ledger/index.ts';
import { castOf } from './cast-of.ts';

export type FaultLoad = Load;

export interface FaultLoadOptions {
  readonly apiUrl: string;
  /** Makes tokens for the cast. */
  readonly appKey: string;
  /** Addresses of edges, asked for at every connection. */
  readonly edges: () => readonly string[];
  /** Devices. */
  readonly clients: number;
  /** Messages a second, over all of them. */
  readonly rate: number;
}

/** Everybody is connected, the groups are made, and sending has begun. @throws ApiRefused, Error */
export function startFaultLoad({ clients, rate, ...options }: FaultLoadOptions): Promise<FaultLoad> {
  return Load.start({ ...options, cast: castOf(clients), messagesPerSecond: rate });
}
