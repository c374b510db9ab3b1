// The roles' ways to the servers, through proxies that can fail: one for each server, or for each of the brokers.
import type { ServerAddresses } from '../../../infra/local/cluster/index.ts';
import { type ProxyMode, TcpProxy } from '../../cluster/tcp-proxy.ts';
import type { ServerName } from '../scenario.ts';
import { rewriteBrokerPorts } from './broker-ports.ts';

/** All ways to one server. */
export interface Link {
  become(mode: ProxyMode): Promise<void>;
  /** Each way; 0: none. */
  setLatency(latency_ms: number): void;
  /** Answers that did not come through, so far. */
  dropped(): number;
}

export interface Links {
  /** For the roles: those of the proxies where there are some. */
  readonly addresses: ServerAddresses;
  readonly byServer: Readonly<Partial<Record<ServerName, Link>>>;
  close(): Promise<void>;
}

/** To the servers in `names`; the others are reached as they are. */
export async function openLinks(direct: ServerAddresses, names: readonly ServerName[]): Promise<Links> {
  const byServer: Partial<Record<ServerName, Link>> = {};
  const addresses: Record<ServerName, string> = { ...direct };
  const all: TcpProxy[] = [];
  for (const name of names) {
    const targets = direct[name].split(',');
    const proxies = await Promise.all(targets.map((target) => TcpProxy.to(target)));
    all.push(...proxies);
    if (name === 'kafka') leadBrokersThrough(targets, proxies);
    addresses[name] = proxies.map(({ port }) => `127.0.0.1:${port}`).join(',');
    byServer[name] = linkOf(proxies);
  }
  return {
    addresses,
    byServer,
    close: async () => {
      await Promise.all(all.map((proxy) => proxy.close()));
    },
  };
}

/** Brokers tell their clients where they and the others are: there, the proxies' ports stand instead. */
function leadBrokersThrough(brokers: readonly string[], proxies: readonly TcpProxy[]): void {
  const ports = new Map(brokers.map((broker, index) => [Number(broker.split(':')[1]), proxies[index]!.port]));
  for (const proxy of proxies) proxy.rewriter = () => rewriteBrokerPorts(ports);
}

function linkOf(proxies: readonly TcpProxy[]): Link {
  return {
    become: async (mode) => {
      await Promise.all(proxies.map((proxy) => proxy.become(mode)));
    },
    setLatency: (latency_ms) => {
      for (const proxy of proxies) proxy.latency_ms = latency_ms;
    },
    dropped: () => proxies.reduce((sum, { dropped }) => sum + dropped, 0),
  };
}
