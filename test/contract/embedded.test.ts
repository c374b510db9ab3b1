// The embedded adapters keep the four contracts. The state store runs twice: as it is, and forced to disk after every
// write, so that reads find rows in lmdb, in memory, and in both.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMBEDDED_LAYOUT } from '../../services/events/topics.ts';
import { openDataFolder } from '../../services/kernel/data-folder.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { MemoryDeliveryStream } from '../../services/ports/delivery/embedded/memory-delivery-stream.ts';
import { LmdbEventLog } from '../../services/ports/log/embedded/lmdb-event-log.ts';
import { type LmdbEnvironment, openEnvironment } from '../../services/ports/log/embedded/open-environment.ts';
import { MemorySessionRegistry } from '../../services/ports/sessions/embedded/memory-session-registry.ts';
import { LmdbStateStore } from '../../services/ports/store/embedded/lmdb-state-store.ts';
import { deliveryStreamContract } from './delivery-stream.ts';
import { eventLogContract } from './event-log.ts';
import { sessionRegistryContract } from './session-registry.ts';
import { stateStoreContract } from './state-store.ts';
import { type Subject, selfDriven } from './subject.ts';

interface Closable {
  close(): Promise<void>;
}

async function inNewFolder<Port extends Closable>(
  make: (environment: LmdbEnvironment) => Port,
): Promise<Subject<Port>> {
  const path = await mkdtemp(join(tmpdir(), 'fanlog-contract-'));
  const folder = openDataFolder(path);
  const environment = openEnvironment(folder.path);
  const port = make(environment);
  return selfDriven(port, systemRuntime, async () => {
    await port.close();
    await environment.close();
    folder.close();
    await rm(path, { recursive: true, force: true });
  });
}

eventLogContract('LmdbEventLog', () => {
  return inNewFolder((environment) => new LmdbEventLog(environment, EMBEDDED_LAYOUT, systemRuntime));
});

stateStoreContract('LmdbStateStore', () => {
  return inNewFolder((environment) => new LmdbStateStore(environment, systemRuntime));
});

stateStoreContract('LmdbStateStore, flushed before every answer,', async () => {
  const subject = await inNewFolder((environment) => new LmdbStateStore(environment, systemRuntime));
  return {
    ...subject,
    async drive(promise) {
      const result = await promise;
      await subject.port.durable();
      return result;
    },
  };
});

sessionRegistryContract('MemorySessionRegistry', async () => {
  const port = new MemorySessionRegistry(systemRuntime);
  return selfDriven(port, systemRuntime, () => port.close());
});

deliveryStreamContract('MemoryDeliveryStream', async () => {
  const records_max = 1_000;
  const port = new MemoryDeliveryStream(records_max);
  return { ...selfDriven(port, systemRuntime, () => port.close()), overflow_records: records_max + 1 };
});
