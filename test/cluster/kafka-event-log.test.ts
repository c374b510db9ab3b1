// The Kafka adapter keeps the contract of the log, on a real server.
import { eventLogContract } from '../contract/event-log.ts';
import { kafkaSubject } from './kafka-subject.ts';

eventLogContract('KafkaEventLog', kafkaSubject);
