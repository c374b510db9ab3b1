// Which process gets which port.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { ClusterError } from '../../../infra/local/cluster/cluster-error.ts';
import { isFreeEverywhere, PortPlan } from '../../../infra/local/cluster/port-plan.ts';
import { freePorts } from '../../../infra/local/free-ports.ts';

/** The first of `count` neighbours that are free now. */
async function neighbours(count: number): Promise<number> {
  for (;;) {
    const [first] = await freePorts(1);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFreeEverywhere(first! + index)));
    if (!free.includes(false)) return first!;
  }
}

async function listenOn(port: number, host?: string) {
  const server = createServer().listen({ port, ...(host === undefined ? {} : { host }) });
  await once(server, 'listening');
  return () => new Promise<void>((resolve) => void server.close(() => resolve()));
}

test('ports follow each other, and none is given twice', async () => {
  const first = await neighbours(5);
  const plan = new PortPlan({ api: first, edge: first + 1, operations: first + 3 });
  const take = (series: 'api' | 'edge' | 'operations') => plan.take(series, 'someone', 'refuse');
  assert.equal(await take('api'), first);
  assert.equal(await take('edge'), first + 1);
  assert.equal(await take('edge'), first + 2);
  assert.equal(await take('operations'), first + 3);
  assert.equal(await take('edge'), first + 4);
});

for (const host of [undefined, '127.0.0.1']) {
  test(`a port that another process has on ${host ?? 'all interfaces'} is refused with its number, or passed over`, async () => {
    const first = await neighbours(2);
    const close = await listenOn(first, host);
    try {
      await assert.rejects(new PortPlan({ api: first }).take('api', 'api-1', 'refuse'), (error: Error) => {
        assert.ok(error instanceof ClusterError);
        const told = `Port ${first}, for api-1, is taken by another process. Stop that process, or choose where the ports begin with --port.`;
        return error.message === told;
      });
      assert.equal(await new PortPlan({ api: first }).take('api', 'api-1', 'pass over'), first + 1);
    } finally {
      await close();
    }
  });
}

test('without a first port any free ones are given, all different', async () => {
  const plan = new PortPlan();
  const ports = await Promise.all(Array.from({ length: 20 }, () => plan.take('operations', 'someone', 'refuse')));
  assert.equal(new Set(ports).size, 20);
});
