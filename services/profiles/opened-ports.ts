// What a profile opens, and every role is started on: the four ports, and what goes with them.
import type { Logger } from '../kernel/logger.ts';
import type { Metrics } from '../kernel/metrics.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { DeliveryStream } from '../ports/delivery/delivery-stream.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import type { SessionRegistry } from '../ports/sessions/session-registry.ts';
import type { LiveTables } from '../ports/store/live-tables.ts';
import type { StateStore } from '../ports/store/state-store.ts';

/** What a process has whatever its profile. */
export interface ProcessParts {
  readonly runtime: Runtime;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface OpenedPorts {
  readonly log: EventLog;
  /** The base set of tables: for what is not derived. */
  readonly store: StateStore;
  /** The set in force. */
  readonly tables: LiveTables;
  readonly registry: SessionRegistry;
  readonly delivery: DeliveryStream;
  /** Signs session tokens. */
  readonly secret: string;
}
