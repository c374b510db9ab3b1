// All scenarios, in the order of a run: those that want the same brokers stand together.
import type { Scenario } from '../scenario.ts';
import { brokerCutOff } from './broker-cut-off.ts';
import { brokerKill } from './broker-kill.ts';
import { brokerRolling } from './broker-rolling.ts';
import { brokerStop } from './broker-stop.ts';
import { brokerTwoDown } from './broker-two-down.ts';
import { cassandraAway } from './cassandra-away.ts';
import { cassandraSlow } from './cassandra-slow.ts';
import { edges } from './edges.ts';
import { fullDisk } from './full-disk.ts';
import { killRoles } from './kill-roles.ts';
import { latency } from './latency.ts';
import { membersJoin } from './members-join.ts';
import { offsetsReset } from './offsets-reset.ts';
import { offsetsTrimmed } from './offsets-trimmed.ts';
import { redis } from './redis.ts';
import { repliesDropped } from './replies-dropped.ts';
import { stopProcessors } from './stop-processors.ts';
import { versions } from './versions.ts';

export const SCENARIOS: readonly Scenario[] = [
  killRoles,
  stopProcessors,
  membersJoin,
  edges,
  versions,
  redis,
  cassandraAway,
  cassandraSlow,
  repliesDropped,
  latency,
  brokerKill,
  brokerStop,
  brokerRolling,
  brokerTwoDown,
  offsetsReset,
  offsetsTrimmed,
  brokerCutOff,
  fullDisk,
];

export function scenarioNamed(name: string): Scenario | undefined {
  return SCENARIOS.find((scenario) => scenario.name === name);
}
