// The supervision of a cluster's roles, with roles that do nothing but live (fixture-role.mjs).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, ClusterError, type ClusterEvent } from '../../../infra/local/cluster/index.ts';
import { isAlive } from '../../../infra/local/process-identity.ts';
import { FixtureFolder } from './fixture-cluster.ts';

const WAIT_MS = 30_000;

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline_ms = performance.now() + WAIT_MS; !condition(); await sleep(10)) {
    assert.ok(performance.now() < deadline_ms, `not within ${WAIT_MS} ms: ${what}`);
  }
}

function statusOf(cluster: Cluster, name: string) {
  return cluster.processes().find((role) => role.name === name)!;
}

const pidsOf = (cluster: Cluster) => cluster.processes().flatMap(({ pid }) => (pid === null ? [] : [pid]));

describe('a cluster', () => {
  const folder = new FixtureFolder();
  after(() => folder.remove());
  const { events, ...options } = folder.options();
  let cluster: Cluster;
  const textsOf = (name: string, what: ClusterEvent['what']) =>
    events.filter((event) => event.process === name && event.what === what).map(({ text }) => text);

  test('has one api and two of every other role by default, each ready, with ports of its own', async () => {
    cluster = await folder.start(options);
    const names = cluster.processes().map(({ name }) => name);
    assert.deepEqual(names, ['api-1', 'edge-1', 'edge-2', 'fanout-1', 'fanout-2', 'inbox-1', 'inbox-2']);
    assert.ok(cluster.processes().every(({ state, restarts }) => state === 'ready' && restarts === 0));
    assert.equal(new Set(pidsOf(cluster)).size, 7);
    assert.equal(new Set(cluster.processes().map(({ operationsPort }) => operationsPort)).size, 7);
  });

  test('every role is told the servers, the secret and the edges; ports that it does not use are 0', () => {
    const { port, operationsPort } = statusOf(cluster, 'edge-2');
    const told = folder.environmentOf('edge', operationsPort);
    assert.equal(told.FANLOG_KAFKA, '127.0.0.1:1');
    assert.equal(told.FANLOG_CASSANDRA, '127.0.0.1:2');
    assert.equal(told.FANLOG_REDIS, '127.0.0.1:3');
    assert.equal(told.FANLOG_SECRET, cluster.secret);
    assert.deepEqual([told.PORT, told.FANLOG_EDGE_PORT], ['0', String(port)]);
    assert.equal(told.FANLOG_EDGE_URLS, cluster.edgeUrls.join(','));
    assert.equal(cluster.edgeUrls[1], `ws://localhost:${port}/v1`);
    assert.equal(told.FANLOG_TEST_KAFKA, undefined); // not a setting: fanlog would refuse it
    assert.equal(cluster.apiUrl, `http://localhost:${statusOf(cluster, 'api-1').port}`);
  });

  test('a role that is killed is started again at once, on its ports', async () => {
    const before = statusOf(cluster, 'fanout-1');
    cluster.kill('fanout-1', 'SIGKILL');
    await cluster.whenReady();
    const now = statusOf(cluster, 'fanout-1');
    assert.notEqual(now.pid, before.pid);
    assert.equal(now.operationsPort, before.operationsPort);
    assert.deepEqual([now.state, now.restarts], ['ready', 1]);
    assert.deepEqual(textsOf('fanout-1', 'ended'), ['SIGKILL']);
    assert.deepEqual(textsOf('fanout-1', 'restarting'), ['at once']);
  });

  test('one that cannot start is tried again after growing pauses, with its last words told, until it can', async () => {
    folder.break('inbox', 'broken');
    cluster.kill('inbox-2', 'SIGKILL');
    await until(() => textsOf('inbox-2', 'restarting').length >= 3, 'three restarts');
    assert.equal(statusOf(cluster, 'inbox-2').state, 'restarting');
    folder.mend('inbox', 'broken');
    await cluster.whenReady();
    assert.deepEqual(textsOf('inbox-2', 'restarting').slice(0, 3), ['at once', 'in 0.25 s', 'in 0.5 s']);
    const [killed, broken] = textsOf('inbox-2', 'ended');
    assert.equal(killed, 'SIGKILL');
    assert.equal(broken, 'exit 1, after\nfanlog: inbox is broken on purpose. Mend it.');
  });

  test('a role can be added, and after an edge the api knows it, on the same port', async () => {
    const before = statusOf(cluster, 'api-1');
    assert.deepEqual(await Promise.all([cluster.add('fanout'), cluster.add('edge')]), ['fanout-3', 'edge-3']);
    assert.equal(cluster.edgeUrls.length, 3);
    const api = statusOf(cluster, 'api-1');
    assert.equal(folder.environmentOf('api', api.operationsPort).FANLOG_EDGE_URLS, cluster.edgeUrls.join(','));
    assert.deepEqual([api.port, api.restarts, api.state], [before.port, 0, 'ready']);
    assert.notEqual(api.pid, before.pid);
  });

  test('a role that is stopped stays away, and is listed as stopped', async () => {
    const { pid } = statusOf(cluster, 'edge-3');
    await cluster.stopRole('edge-3');
    assert.equal(isAlive(pid!), false);
    const { state, pid: none } = statusOf(cluster, 'edge-3');
    assert.deepEqual([state, none], ['stopped', null]);
    assert.equal(cluster.edgeUrls.length, 2);
    await cluster.whenReady();
  });

  test('a process that is not there cannot be killed, and its name is told', () => {
    assert.throws(() => cluster.kill('edge-3', 'SIGKILL'), new ClusterError('edge-3 is not running at the moment.'));
    assert.throws(() => cluster.kill('fanout-9', 'SIGKILL'), /^ClusterError: fanout-9: there is no such process/);
  });

  test('stop ends api and edges first, then fanouts, then inbox processors, also one that was paused', async () => {
    const pids = pidsOf(cluster);
    cluster.kill('fanout-2', 'SIGSTOP');
    const seen = events.length;
    await cluster.stop();
    assert.deepEqual(pids.filter(isAlive), []);
    const stopped = events.slice(seen).filter(({ what }) => what === 'stopped');
    const roles = stopped.map(({ process }) => process.split('-')[0]!);
    assert.deepEqual(roles.slice(0, 3).sort(), ['api', 'edge', 'edge']);
    assert.deepEqual(roles.slice(3), ['fanout', 'fanout', 'fanout', 'inbox', 'inbox']);
    assert.ok(cluster.processes().every(({ state }) => state === 'stopped'));
    assert.equal(events.filter(({ what }) => what === 'ended').length >= 3, true);
    assert.ok(!events.slice(seen).some(({ what }) => what === 'ended' || what === 'restarting'));
    await assert.rejects(cluster.add('fanout'), /is being stopped/);
  });
});

test('a start that fails says which process, why, and the end of its log; nothing is left running', async () => {
  const folder = new FixtureFolder();
  try {
    folder.break('fanout', 'broken');
    const { events, ...options } = folder.options();
    const error = (await folder.start(options).catch((reason: unknown) => reason)) as Error;
    assert.ok(error instanceof ClusterError);
    const [first, second, ...tail] = error.message.split('\n');
    assert.match(first!, /^fanout-[12] failed: fanout is broken on purpose\. Mend it\.$/);
    assert.match(second!, /^The end of .+\/logs\/fanout-[12]\.log:$/);
    assert.ok(tail.includes('fanlog: fanout is broken on purpose. Mend it.'));
    const started = events.flatMap(({ what, text }) => (what === 'started' ? [Number(text.split(' ')[1])] : []));
    assert.ok(started.length > 0);
    assert.deepEqual(started.filter(isAlive), []);
  } finally {
    folder.remove();
  }
});

test('a start that is broken off half way leaves nothing running', async () => {
  const folder = new FixtureFolder();
  try {
    const pids: number[] = [];
    const breakOff = new AbortController();
    const onEvent = ({ what, text }: ClusterEvent) => {
      if (what === 'started') pids.push(Number(text.split(' ')[1]));
      if (pids.length === 3) breakOff.abort();
    };
    await assert.rejects(
      folder.start({ onEvent, signal: breakOff.signal }),
      /^ClusterError: The cluster is being stopped/,
    );
    assert.ok(pids.length >= 3);
    assert.deepEqual(pids.filter(isAlive), []);
  } finally {
    folder.remove();
  }
});

test('when the tables cannot be made, no role is started', async () => {
  const folder = new FixtureFolder();
  try {
    folder.break('create', 'broken');
    await assert.rejects(folder.start(), /^ClusterError: Making tables and topics failed: create is broken on purpose/);
    assert.deepEqual(readdirSync(join(folder.path, 'logs')), ['create.log']);
    assert.match(readFileSync(join(folder.path, 'logs', 'create.log'), 'utf8'), /^fanlog: create is broken/);
  } finally {
    folder.remove();
  }
});

test('without restarts, a role that ended stays away', async () => {
  const folder = new FixtureFolder();
  const cluster = await folder.start({ restart: false, roles: { api: 0, edge: 0, fanout: 1, inbox: 0 } });
  try {
    cluster.kill('fanout-1', 'SIGKILL');
    await until(() => statusOf(cluster, 'fanout-1').state === 'stopped', 'stopped');
    assert.equal(statusOf(cluster, 'fanout-1').pid, null);
  } finally {
    await cluster.stop();
    folder.remove();
  }
});

test('when their owner is killed with -9 the roles end, also those that hear nothing and those that are paused', async () => {
  const folder = new FixtureFolder();
  folder.break('inbox', 'deaf');
  const owner = join(import.meta.dirname, 'cluster-owner.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', owner, folder.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let roles: { name: string; pid: number }[] = [];
    for await (const line of createInterface(child.stdout)) {
      roles = JSON.parse(line);
      break;
    }
    assert.equal(roles.length, 7);
    process.kill(roles.find(({ name }) => name === 'edge-1')!.pid, 'SIGSTOP');
    child.kill('SIGKILL');
    await until(() => !roles.some(({ pid }) => isAlive(pid)), `ended: ${roles.map(({ name }) => name).join(', ')}`);
  } finally {
    child.kill('SIGKILL');
    folder.remove();
  }
});
