// Which topic an export reads where there is more than one generation, and what Kafka's refusals mean for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SourceAwayError, SourceChangedError } from '../../../services/commands/tap/event-source.ts';
import { whatItMeans } from '../../../services/commands/tap/kafka-source.ts';
import { TapFailed } from '../../../services/commands/tap/tap-error.ts';
import { chooseGeneration } from '../../../services/commands/tap/topic-generation.ts';
import { OffsetOutOfRangeError } from '../../../services/ports/log/event-log.ts';
import { KafkaUnavailableError } from '../../../services/ports/log/kafka/kafka-client.ts';
import { protocolError } from '../../../services/ports/log/kafka/kafkajs-internals.ts';
import { RecordBatchError } from '../../../services/ports/log/kafka/record-batch.ts';

const topics = new Set(['messages.g3', 'timeline.g1', 'timeline.g2', 'timeline.g10', 'timeline.gx', 'my.timeline.g20']);

test('a new export takes the newest generation; one that was begun keeps to its own while that is there', () => {
  const choose = (begun: string | null, stem = 'timeline.g') => chooseGeneration(topics, stem, begun);
  assert.deepEqual(choose(null), { generation: 10, newest: 10 });
  assert.deepEqual(choose('timeline.g2'), { generation: 2, newest: 10 });
  assert.deepEqual(choose('timeline.g10'), { generation: 10, newest: 10 });
  assert.deepEqual(choose('timeline.g3'), { generation: 10, newest: 10 }, 'it is gone');
  assert.deepEqual(choose('my.timeline.g20'), { generation: 10, newest: 10 }, 'another prefix');
  assert.deepEqual(choose('my.timeline.g20', 'my.timeline.g'), { generation: 20, newest: 20 });
  assert.equal(choose(null, 'other.timeline.g'), null);
});

test('what asking again does not change is a failure; a topic that is missing is waited for, but not for ever', () => {
  const where = { name: 'Kafka at a:9092', topic: 'timeline.g1', partition: 3 };
  const said = (error: Error) => {
    const meaning = whatItMeans(error, where) as Error;
    return { kind: meaning.constructor, message: meaning.message };
  };
  assert.deepEqual(said(new RecordBatchError('record 7 is in a batch whose checksum is wrong')), {
    kind: TapFailed,
    message: 'Partition 3 of timeline.g1 cannot be read: record 7 is in a batch whose checksum is wrong.',
  });
  const [corrupt, unknownTopic, noLeader, compression, forbidden] = [2, 3, 5, 76, 29].map((code) =>
    protocolError(code),
  );
  for (const error of [corrupt, compression, forbidden]) assert.equal(said(error!).kind, TapFailed);
  assert.deepEqual(said(unknownTopic!), {
    kind: SourceChangedError,
    message: 'Kafka at a:9092 says that it has no topic timeline.g1',
  });
  assert.equal(said(noLeader!).kind, SourceAwayError);
  assert.deepEqual(said(new KafkaUnavailableError('no answer in 5000 ms.')), {
    kind: SourceAwayError,
    message: 'Kafka at a:9092 does not answer: no answer in 5000 ms',
  });
  const refused = (code: number) => said(new KafkaUnavailableError(`timeline/3: Kafka answered ${code}`)).kind;
  assert.deepEqual([refused(76), refused(3), refused(6)], [TapFailed, SourceChangedError, SourceAwayError]);
  const gone = new OffsetOutOfRangeError('timeline', 3, 9);
  assert.equal(whatItMeans(gone, where), gone);
});
