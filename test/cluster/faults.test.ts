// A selection of `npm run faults`, for a quarter of a minute each: whoever is killed or stopped, nothing that was
// acknowledged is lost, repeated, out of order or renumbered.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runScenario } from '../faults/run-scenario.ts';
import type { Scenario } from '../faults/scenario.ts';
import { brokerKill } from '../faults/scenarios/broker-kill.ts';
import { killRoles } from '../faults/scenarios/kill-roles.ts';
import { stopProcessors } from '../faults/scenarios/stop-processors.ts';
import { FaultServers } from '../faults/servers/fault-servers.ts';
import { serversOfThisRun } from './servers.ts';

/** And what must have been done in each. */
const SELECTION: readonly (readonly [Scenario, readonly RegExp[]])[] = [
  [killRoles, [/^kill -9 api-/, /^kill -9 edge-/, /^kill -9 fanout-/, /^kill -9 inbox-/]],
  [stopProcessors, [/^SIGSTOP fanout-/, /^SIGSTOP inbox-/]],
  [brokerKill, [/^kill -9 of broker \d, leader of [1-9]/]],
];
const MINUTES = 0.25;
/** Enough for groups, second devices and people who go offline; other tests may be running. */
const CLIENTS = 30;
const RATE = 25;
/** Beside other tests messages may be late without a fault: the ledger is what counts here. */
const STEADY_MS_MAX = 10_000;
const SEED = 1;

let servers: FaultServers;

before(async () => {
  // The brokers are of our own, and are killed; the other two are only used.
  servers = FaultServers.on(await serversOfThisRun(), (line) => console.error(line));
});

after(() => servers?.stop());

for (const [scenario, done] of SELECTION) {
  test(`${scenario.name}: ${scenario.title}`, async (t) => {
    const options = { seed: SEED, minutes: MINUTES, clients: CLIENTS, rate: RATE, steady_ms_max: STEADY_MS_MAX };
    const { faults, acknowledged, violations, ...result } = await runScenario(scenario, servers, {
      ...options,
      progress: (line) => t.diagnostic(line),
    });
    for (const { label, deliveryBack_ms, sendsBack_ms } of faults)
      t.diagnostic(
        `${label}: delivery back after ${deliveryBack_ms?.toFixed(0)} ms, sends ${sendsBack_ms?.toFixed(0)}`,
      );
    assert.deepEqual(violations, []);
    assert.deepEqual(Object.values(result.violationCounts), [0, 0, 0, 0, 0]);
    for (const label of done)
      assert.ok(
        faults.some((fault) => label.test(fault.label)),
        `${label} was not done`,
      );
    assert.ok(acknowledged > 0 && result.entries > acknowledged, 'a load that sends nothing proves nothing');
  });
}
