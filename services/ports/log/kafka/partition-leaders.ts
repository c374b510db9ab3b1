// Who leads each partition, by the newest that was heard. Brokers differ: one that is cut off from the others goes on
// telling that it leads. Every change of leader begins a new term of office (the leader epoch), so the higher term is right,
// whoever told it last.
import type { ClusterMetadata } from './kafkajs-internals.ts';

interface Office {
  /** Node id; null: nobody leads. */
  readonly leader: string | null;
  readonly term: number;
}

export class PartitionLeaders {
  readonly #offices = new Map<string, Office[]>();

  learn({ topicMetadata }: ClusterMetadata): void {
    for (const { topic, partitionMetadata } of topicMetadata) {
      let offices = this.#offices.get(topic);
      if (offices === undefined) {
        offices = [];
        this.#offices.set(topic, offices);
      }
      for (const { partitionId, leader, leaderEpoch } of partitionMetadata) {
        const known = offices[partitionId];
        if (known !== undefined && known.term > leaderEpoch) continue;
        offices[partitionId] = { leader: leader < 0 ? null : String(leader), term: leaderEpoch };
      }
    }
  }

  /** Node id; null: nobody, as far as is known. */
  leaderOf(topic: string, partition: number): string | null {
    return this.#offices.get(topic)?.[partition]?.leader ?? null;
  }
}
