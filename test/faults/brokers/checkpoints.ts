// The positions that the processors go by, as an operator reads and writes them: with a statement on Cassandra.
import cassandra from '@scylladb/cassandra-driver';
import { LOCAL_DATACENTER } from '../../../infra/local/cassandra.ts';
import type { TopicName } from '../../../services/events/topics.ts';
import type { Checkpoint } from '../../../services/ports/store/state-store.ts';
import type { Stage } from '../scenario.ts';

export class Checkpoints {
  readonly #client: cassandra.Client;
  readonly #topic: TopicName;

  private constructor(client: cassandra.Client, topic: TopicName) {
    this.#client = client;
    this.#topic = topic;
  }

  /** Of one topic's readers. */
  static async open({ cluster }: Stage, topic: TopicName): Promise<Checkpoints> {
    const { cassandra: nodes, keyspace } = cluster;
    const client = new cassandra.Client({
      contactPoints: nodes.split(','),
      localDataCenter: LOCAL_DATACENTER,
      keyspace,
    });
    await client.connect();
    return new Checkpoints(client, topic);
  }

  /** null: nothing of this partition was processed yet. */
  async load(partition: number): Promise<Checkpoint | null> {
    const query = 'SELECT state FROM checkpoint WHERE topic = ? AND partition = ?';
    const [row] = (await this.#client.execute(query, [this.#topic, partition], { prepare: true })).rows;
    return row === undefined ? null : (JSON.parse(row.state as string) as Checkpoint);
  }

  async save(partition: number, checkpoint: Checkpoint): Promise<void> {
    const query = 'INSERT INTO checkpoint (topic, partition, state) VALUES (?, ?, ?)';
    await this.#client.execute(query, [this.#topic, partition, JSON.stringify(checkpoint)], { prepare: true });
  }

  close(): Promise<void> {
    return this.#client.shutdown();
  }
}
