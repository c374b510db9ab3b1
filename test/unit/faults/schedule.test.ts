// The order of faults is the seed's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomOf } from '../../faults/fault-random.ts';
import type { FaultKind, Scenario, Stage } from '../../faults/scenario.ts';
import { killRoles } from '../../faults/scenarios/kill-roles.ts';
import { membersJoin } from '../../faults/scenarios/members-join.ts';

/** What a scenario does with a cluster that obeys at once. */
async function faultsOf(scenario: Scenario, seed: number, count: number): Promise<string[]> {
  const random = randomOf(seed, scenario.name);
  const done: string[] = [];
  const processes = (['api', 'edge', 'fanout', 'inbox'] as const).flatMap((role) =>
    [1, 2].map((number) => ({ name: `${role}-${number}`, role, state: 'ready' })),
  );
  let joined = 2;
  const cluster = {
    processes: () => processes,
    kill: (name: string, signal: string) => done.push(`${signal} ${name}`),
    whenReady: async () => {},
    add: async (role: string) => `${role}-${++joined}`,
    stopRole: async (name: string) => done.push(`stop ${name}`),
  };
  const stage = {
    cluster,
    random: () => random.next(),
    isOver: () => done.length >= count,
    sleep: async (duration_ms: number) => void done.push(`${duration_ms.toFixed(3)} ms`),
    ready: async () => {},
    recovered: async () => {},
    fault: (_: string, __: FaultKind, inject: () => Promise<unknown>) => inject(),
  };
  await scenario.inject(stage as unknown as Stage);
  return done;
}

for (const scenario of [killRoles, membersJoin]) {
  test(`${scenario.name}: the same seed is the same schedule, another seed another one`, async () => {
    const first = await faultsOf(scenario, 1, 40);
    assert.ok(first.length >= 40);
    assert.deepEqual(await faultsOf(scenario, 1, 40), first);
    assert.notDeepEqual(await faultsOf(scenario, 2, 40), first);
  });
}

test('kill-roles kills every role before any of them a second time', async () => {
  const killed = (await faultsOf(killRoles, 3, 16)).flatMap((what) => /^SIGKILL (\w+)-/.exec(what)?.[1] ?? []);
  for (let round = 0; round + 4 <= killed.length; round += 4)
    assert.equal(new Set(killed.slice(round, round + 4)).size, 4, killed.join());
  assert.ok(killed.length >= 8);
});

test('chance of one scenario is not that of another', () => {
  assert.notEqual(randomOf(1, 'redis').next(), randomOf(1, 'edges').next());
});
