// The last hop: what a processor hands to an edge or api process. Adapters: embedded/ (memory), redis/.
// Contract: test/contract/delivery-stream.ts. Records are hints: losing one costs a pull, never a message.
import type { EntryKind } from '../../events/inbox-records.ts';
import type { Outcome } from '../../events/outcome.ts';
import type { NodeAddress } from '../sessions/session-registry.ts';

export interface Recipient {
  readonly user: string;
  readonly inboxSeq: number;
}

/** A new inbox entry of users connected there, body included. */
export interface EntryDelivery {
  readonly type: 'entry';
  /**
   * Whose numbering the inboxSeqs are of. null: that of set 0 of the tables, which versions that knew of no other sets
   * speak of too.
   */
  readonly epoch: number | null;
  readonly conversationId: string;
  readonly seq: number;
  readonly kind: EntryKind;
  /** The framed Avro timeline event. */
  readonly event: Uint8Array;
  readonly recipients: readonly Recipient[];
}

/** How a command ended, for the session that sent it. */
export interface OutcomeDelivery {
  readonly type: 'outcome';
  readonly session: number;
  readonly request: number;
  readonly conversationId: string;
  readonly commandId: string;
  readonly outcome: Outcome;
}

/** These users should pull: something may have been missed. */
export interface BehindDelivery {
  readonly type: 'behind';
  readonly users: readonly string[];
}

export interface CanaryDelivery {
  readonly type: 'canary';
  readonly canaryId: string;
  readonly sourcePartition: number;
  readonly inboxPartition: number;
}

export type DeliveryRecord = EntryDelivery | OutcomeDelivery | BehindDelivery | CanaryDelivery;

export interface DeliveryReader {
  /** Removes the stream. Never rejects: one that cannot be removed now, nobody reads any more, and it expires. */
  close(): Promise<void>;
}

export interface DeliveryStream {
  /** Makes the stream of `address` and reads it, in order. `onGap`: records were trimmed or lost before the next ones. */
  open(
    address: NodeAddress,
    onRecords: (records: readonly DeliveryRecord[]) => void,
    onGap: () => void,
  ): Promise<DeliveryReader>;
  /**
   * Puts records on the stream of `address`. `gone`: nobody has that stream (it was closed or has expired), so its
   * registrations are dead. Rejects when it cannot be known.
   */
  publish(address: NodeAddress, records: readonly DeliveryRecord[]): Promise<'handed_over' | 'gone'>;
  close(): Promise<void>;
}
