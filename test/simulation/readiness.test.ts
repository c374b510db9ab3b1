// Readiness of a fleet in virtual time: processes of one role each, proved as in production, on simulated ports.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EdgeNode } from '../../services/edge/edge-node.ts';
import { startFanout } from '../../services/fanout/index.ts';
import { startInbox } from '../../services/inbox/index.ts';
import { limits } from '../../services/kernel/limits.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { Metrics } from '../../services/kernel/metrics.ts';
import { type Collector, Readiness } from '../../services/operations/index.ts';
import { Closing } from '../../services/profiles/closing.ts';
import { RoleProofs } from '../../services/profiles/role-proofs.ts';
import type { Role } from '../../services/profiles/roles.ts';
import { fixedTables } from '../fixed-tables.ts';
import { Faults } from './kernel/faults.ts';
import { Random } from './kernel/random.ts';
import { Scheduler } from './kernel/scheduler.ts';
import { SimProcess } from './kernel/sim-process.ts';
import { Trace } from './kernel/trace.ts';
import { SimulatedDelivery } from './ports/simulated-delivery.ts';
import { SimulatedLog } from './ports/simulated-log.ts';
import { SimulatedRegistry } from './ports/simulated-registry.ts';
import { SimulatedStore } from './ports/simulated-store.ts';

const PARTITIONS = { messages: 8, timeline: 2, inbox: 8 };

/** One process, up to its readiness. */
interface Node {
  readonly process: SimProcess;
  readonly readiness: Readiness;
}

class Fleet {
  readonly scheduler = new Scheduler(new Random(7), new Trace(false));
  readonly log: SimulatedLog;
  readonly #faults = new Faults(new Random(7));
  readonly #store = new SimulatedStore(this.scheduler, this.#faults);
  readonly #registry = new SimulatedRegistry(this.#faults);
  readonly #delivery = new SimulatedDelivery(this.scheduler, this.#faults);
  #started = 0;

  constructor() {
    const layout = { generation: 1, prefix: '', partitions: PARTITIONS };
    const times = { session_ms: 2_000, revoke_ms_max: 1 };
    this.log = new SimulatedLog(layout, this.scheduler, this.#faults, times);
  }

  async start(role: Role): Promise<Node> {
    const incarnation = String(++this.#started);
    const process = new SimProcess(`${role}.${incarnation}`, this.scheduler, this.#faults);
    const { runtime } = process;
    const ports = {
      runtime,
      logger: silentLogger,
      metrics: new Metrics(),
      log: this.log.connect(process),
      tables: fixedTables(this.#store.connect(process)),
      registry: this.#registry.connect(process),
      delivery: this.#delivery.connect(process),
    };
    const readiness = new Readiness([role]);
    const collectors: Collector[] = [];
    const proofs = new RoleProofs({ roles: new Set([role]), ports, readiness, collectors, closing: new Closing() });
    const address = { node: role, incarnation };
    await this.scheduler.drive(
      (async () => {
        if (role === 'fanout') proofs.addStage(role, await startFanout({ ...ports, name: role }));
        if (role === 'inbox') proofs.addStage(role, await startInbox({ ...ports, name: role }));
        if (role === 'edge') {
          const prober = proofs.proberOf(role, address);
          const authenticator = { verify: () => Promise.reject(new Error('nobody signs in')) };
          const onCanary = prober.onCanary.bind(prober);
          const edge = new EdgeNode({ ...ports, address, authenticator, limits, onCanary });
          await edge.start();
          proofs.start(role, prober, () => edge.whyNotReady());
        }
        if (role === 'api') {
          // Its HTTP server is real; what is proved is its stream.
          const prober = proofs.proberOf(role, address);
          await ports.delivery.open(
            address,
            (records) => {
              for (const record of records) if (record.type === 'canary') prober.onCanary(record);
            },
            () => {},
          );
          proofs.start(role, prober, () => null);
        }
        await proofs.startStages(incarnation);
      })(),
    );
    return { process, readiness };
  }

  async startAll(...roles: readonly Role[]): Promise<readonly Node[]> {
    const nodes: Node[] = [];
    for (const role of roles) nodes.push(await this.start(role));
    return nodes;
  }

  run(duration_ms: number): Promise<void> {
    return this.scheduler.run(this.scheduler.now_ms + duration_ms);
  }
}

/** Role and whether it is ready, of every process that lives. */
function readinessOf(nodes: readonly Node[]): Record<string, string> {
  const living = nodes.filter(({ process }) => process.state === 'running');
  return Object.fromEntries(
    living.map(({ process, readiness }) => {
      return [process.name, readiness.ready() ? 'ready' : (Object.values(readiness.report().roles)[0]!.why ?? '')];
    }),
  );
}

function allReady(nodes: readonly Node[]): boolean {
  return Object.values(readinessOf(nodes)).every((state) => state === 'ready');
}

describe('no role is ready while nothing is delivered', { timeout: 120_000 }, () => {
  for (const missing of ['inbox', 'fanout'] as const) {
    test(`without ${missing} every other role is red, though all processes live; with it all turn green`, async () => {
      const fleet = new Fleet();
      const others = (['api', 'edge', 'edge', 'fanout', 'inbox'] as const).filter((role) => role !== missing);
      const nodes = [...(await fleet.startAll(...others))];
      for (let minute = 0; minute < 3; minute++) {
        for (const [name, state] of Object.entries(readinessOf(nodes)))
          assert.equal(state, 'no canary came back yet', name);
        await fleet.run(60_000);
      }
      nodes.push(await fleet.start(missing));
      await fleet.run(10_000);
      assert.deepEqual(
        Object.values(readinessOf(nodes)),
        nodes.map(() => 'ready'),
      );
    });
  }

  for (const killed of ['fanout', 'inbox'] as const) {
    test(`every role is red about 30 seconds after the last ${killed} died, and green when another came`, async () => {
      const fleet = new Fleet();
      const nodes = [...(await fleet.startAll('api', 'edge', 'fanout', 'inbox'))];
      await fleet.run(20_000);
      assert.ok(allReady(nodes), JSON.stringify(readinessOf(nodes)));
      nodes.find(({ process }) => process.name.startsWith(killed))!.process.crash();
      await fleet.run(10_000);
      assert.ok(allReady(nodes), 'one lost round is no reason');
      await fleet.run(22_000);
      const states = Object.entries(readinessOf(nodes));
      assert.equal(states.length, 3);
      for (const [name, state] of states) assert.match(state, /^no canary back/, name);
      nodes.push(await fleet.start(killed));
      await fleet.run(20_000);
      assert.ok(allReady(nodes), JSON.stringify(readinessOf(nodes)));
    });
  }

  test('a stage that stands by without a partition is red and green like the others', async () => {
    const fleet = new Fleet();
    // One more than there are partitions.
    const roles = Array.from({ length: PARTITIONS.messages + 1 }, () => 'fanout' as const);
    const nodes = [...(await fleet.startAll(...roles))];
    await fleet.run(20_000);
    assert.ok(Object.values(readinessOf(nodes)).every((state) => state === 'no canary came back yet'));
    nodes.push(await fleet.start('inbox'));
    await fleet.run(10_000);
    assert.ok(allReady(nodes), JSON.stringify(readinessOf(nodes)));
  });
});

test('canaries leave nothing in the topic timeline, however many there are', async () => {
  const fleet = new Fleet();
  await fleet.startAll('api', 'edge', 'fanout', 'inbox');
  await fleet.run(600_000);
  const written = (topic: 'messages' | 'timeline' | 'inbox') =>
    fleet.log.partitions(topic).reduce((sum, { records }) => sum + records.length, 0);
  assert.ok(written('messages') > 100);
  assert.equal(written('inbox'), written('messages') * PARTITIONS.inbox);
  assert.equal(written('timeline'), 0);
});
