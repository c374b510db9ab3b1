// Processors come and go every few seconds, and with each of them the partitions of its consumer group are handed out
// anew: one that is added, and ends in order or by kill -9.
import type { Role } from '../../../services/profiles/roles.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { between, oneOf } from './draw.ts';

const ROLES = ['fanout', 'inbox'] as const satisfies readonly Role[];
const STAYS_MS = { from: 500, to: 2_500 };
const QUIET_MS = { from: 200, to: 1_500 };

export const membersJoin: Scenario = {
  name: 'members-join',
  title: 'processors that join and leave their consumer group every few seconds',
  setting: { roles: { fanout: 1, inbox: 1 } },
  async inject(stage) {
    while (!stage.isOver()) {
      const role = oneOf(stage, ROLES);
      const name = await stage.fault(`${role} joins`, 'other', () => stage.cluster.add(role));
      await stage.sleep(between(stage, STAYS_MS.from, STAYS_MS.to));
      await leave(stage, name, stage.random() < 0.3);
      await stage.sleep(between(stage, QUIET_MS.from, QUIET_MS.to));
    }
    await stage.recovered();
  },
};

async function leave(stage: Stage, name: string, isKilled: boolean): Promise<void> {
  await stage.fault(`${name} ${isKilled ? 'is killed' : 'leaves'}`, 'other', async () => {
    // What was killed is started again, and then ends for good.
    if (isKilled) stage.cluster.kill(name, 'SIGKILL');
    await stage.cluster.stopRole(name);
  });
}
