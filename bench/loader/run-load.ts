// What all scenarios have in common: warm up, measure, stop sending, wait for what is still on its way, count what is not
// there.
import { setTimeout as pause } from 'node:timers/promises';
import type { ScenarioContext } from '../scenarios/scenario.ts';
import type { ChatConnection } from './chat-connection.ts';
import { keepAlive } from './keep-alive.ts';
import type { Figures } from './measurement.ts';
import type { Traffic } from './traffic.ts';

/** Excluded from every figure: code gets compiled, caches fill. */
export const WARM_UP_S = 3;
const PROGRESS_MS = 2_000;
const PROGRESS_MS_MIN = 10;
const REST_MS_MAX = 10_000;
const REST_POLL_MS = 20;

export interface Load {
  readonly name: string;
  readonly traffic: Traffic;
  readonly connections: readonly ChatConnection[];
  /** Starts sending; `stop` ends it. */
  readonly start: () => void;
  readonly stop: () => void;
  /** Rejects when a connection failed. */
  readonly failed: Promise<never>;
}

export async function runLoad(context: ScenarioContext, load: Load): Promise<Figures> {
  const endKeepAlive = keepAlive(load.connections);
  try {
    return await Promise.race([measure(context, load), load.failed]);
  } finally {
    load.stop();
    endKeepAlive();
  }
}

async function measure({ options, progress }: ScenarioContext, load: Load): Promise<Figures> {
  const { traffic, name } = load;
  load.start();
  progress(`${name}: warming up for ${WARM_UP_S} s`);
  await pause(WARM_UP_S * 1_000);
  traffic.measurement.begin();
  const end = performance.now() + options.seconds * 1_000;
  let before = 0;
  // A timer may fire a little early; what is left then is no interval to tell a rate of.
  for (let left = end - performance.now(); left > PROGRESS_MS_MIN; left = end - performance.now()) {
    const started = performance.now();
    await pause(Math.min(left, PROGRESS_MS));
    const { delivered } = traffic.measurement;
    const rate = ((delivered - before) * 1_000) / (performance.now() - started);
    before = delivered;
    progress(`${name}: ${Math.round(rate).toLocaleString('en')} deliveries/s`);
  }
  const figures = traffic.measurement.end();
  load.stop();
  const deadline = performance.now() + REST_MS_MAX;
  while (traffic.complete < traffic.sent && performance.now() < deadline) await pause(REST_POLL_MS);
  traffic.faults.lost = traffic.sent - traffic.complete;
  return figures;
}
