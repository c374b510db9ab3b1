// kafkajs's admin client, for as long as one task takes.
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { Logger } from '../../../kernel/logger.ts';

// Its guards hold for the admin client too.
import './kafkajs-internals.ts';

const CONNECTION_MS = 3_000;
const REQUEST_MS = 15_000;

export interface TopicAdminOptions {
  readonly brokers: readonly string[];
  readonly logger: Logger;
}

export async function withAdmin<T>(
  { brokers, logger }: TopicAdminOptions,
  task: (admin: Admin) => Promise<T>,
): Promise<T> {
  const kafka = new Kafka({
    clientId: 'fanlog.topics',
    brokers: [...brokers],
    connectionTimeout: CONNECTION_MS,
    requestTimeout: REQUEST_MS,
    retry: { retries: 5, initialRetryTime: 100 },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ label, log }) =>
        logger.debug(`kafkajs: ${log.message}`, { level: label }),
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await task(admin);
  } finally {
    await admin.disconnect();
  }
}
