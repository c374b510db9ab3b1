// The ports of the simulation keep the contracts of the real ones: without faults, but with every delay and order that a
// seed may draw.

import { EMBEDDED_LAYOUT } from '../../services/events/topics.ts';
import { Faults } from '../simulation/kernel/faults.ts';
import { Random } from '../simulation/kernel/random.ts';
import { Scheduler } from '../simulation/kernel/scheduler.ts';
import { SimProcess } from '../simulation/kernel/sim-process.ts';
import { Trace } from '../simulation/kernel/trace.ts';
import { RECORDS_MAX, SimulatedDelivery } from '../simulation/ports/simulated-delivery.ts';
import { SimulatedLog } from '../simulation/ports/simulated-log.ts';
import { SimulatedRegistry } from '../simulation/ports/simulated-registry.ts';
import { SimulatedStore } from '../simulation/ports/simulated-store.ts';
import { deliveryStreamContract } from './delivery-stream.ts';
import { eventLogContract } from './event-log.ts';
import { sessionRegistryContract } from './session-registry.ts';
import { stateStoreContract } from './state-store.ts';
import type { Subject } from './subject.ts';

const SETTLE_MS = 20;
let seed = 0;

interface Parts {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly process: SimProcess;
}

/** Each test gets a seed of its own. */
async function simulated<Port>(make: (parts: Parts) => Port): Promise<Subject<Port>> {
  const random = new Random(++seed);
  const scheduler = new Scheduler(random, new Trace(false));
  const faults = new Faults(random);
  const process = new SimProcess('tester', scheduler, faults);
  return {
    port: make({ scheduler, faults, process }),
    drive: (promise) => scheduler.drive(promise),
    settle: () => scheduler.run(scheduler.now_ms + SETTLE_MS),
    tearDown: async () => process.crash(),
  };
}

eventLogContract('SimulatedLog', () =>
  simulated(({ scheduler, faults, process }) => {
    const times = { session_ms: 1_000, revoke_ms_max: 200 };
    return new SimulatedLog(EMBEDDED_LAYOUT, scheduler, faults, times).connect(process);
  }),
);

stateStoreContract('SimulatedStore', () =>
  simulated(({ scheduler, faults, process }) => new SimulatedStore(scheduler, faults).connect(process)),
);

sessionRegistryContract('SimulatedRegistry', () =>
  simulated(({ faults, process }) => new SimulatedRegistry(faults).connect(process)),
);

deliveryStreamContract('SimulatedDelivery', async () => {
  const subject = await simulated(({ scheduler, faults, process }) => {
    return new SimulatedDelivery(scheduler, faults).connect(process);
  });
  return { ...subject, overflow_records: 3 * RECORDS_MAX };
});
