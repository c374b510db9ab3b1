// kill -9 of one process of each role, in an order by the seed, again and again. The supervisor starts it again; until
// then, and until Kafka has given its partitions away, the others of its role have the work.
import { ROLES } from '../../../services/profiles/roles.ts';
import type { Scenario } from '../scenario.ts';
import { between, shuffled, someProcess } from './draw.ts';

const QUIET_MS = { from: 500, to: 2_500 };

export const killRoles: Scenario = {
  name: 'kill-roles',
  title: 'kill -9 of a process of each role, again and again',
  async inject(stage) {
    // Every role once, however short the time is.
    for (let round = 1; round === 1 || !stage.isOver(); round++) {
      for (const role of shuffled(stage, ROLES)) {
        if (round > 1 && stage.isOver()) return;
        const name = someProcess(stage, role);
        await stage.fault(`kill -9 ${name}`, 'worker', async () => {
          stage.cluster.kill(name, 'SIGKILL');
          await stage.ready();
        });
        await stage.recovered();
        await stage.sleep(between(stage, QUIET_MS.from, QUIET_MS.to));
      }
    }
  },
};
