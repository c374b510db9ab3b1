// A cluster of fixture roles (fixture-role.mjs) that needs no servers, in a folder of its own.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClusterEvent, type ClusterOptions, startCluster } from '../../../infra/local/cluster/index.ts';

export const fixtureRole = join(import.meta.dirname, 'fixture-role.mjs');

export class FixtureFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'fanlog-cluster-'));

  break(role: string, how: 'broken' | 'deaf'): void {
    writeFileSync(join(this.path, `${role}.${how}`), '');
  }

  mend(role: string, how: 'broken' | 'deaf'): void {
    rmSync(join(this.path, `${role}.${how}`));
  }

  /** The environment of the role that answers at this port of operations. */
  environmentOf(role: string, operationsPort: number): NodeJS.ProcessEnv {
    return JSON.parse(readFileSync(join(this.path, `${role}.${operationsPort}.json`), 'utf8')) as NodeJS.ProcessEnv;
  }

  options(): ClusterOptions & { readonly events: ClusterEvent[] } {
    const { PATH, HOME } = process.env;
    const events: ClusterEvent[] = [];
    return {
      env: { PATH, HOME, FIXTURE_FOLDER: this.path, FANLOG_TEST_KAFKA: 'of the test run' },
      servers: { kafka: '127.0.0.1:1', cassandra: '127.0.0.1:2', redis: '127.0.0.1:3' },
      mainFile: fixtureRole,
      nodeArguments: [],
      logFolder: join(this.path, 'logs'),
      onEvent: (event) => void events.push(event),
      events,
    };
  }

  start(options: Partial<ClusterOptions> = {}) {
    return startCluster({ ...this.options(), ...options });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
