// Edges with thousands of sockets are drained (SIGTERM), and killed: everybody who was there comes back by themselves,
// somewhere else or to the one that was started again, and is counted.
import { waitUntil } from '../../cluster/ledger/index.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { between, someProcess } from './draw.ts';

const SIGNALS = [
  ['SIGKILL', 'kill -9'],
  ['SIGTERM', 'drain'],
] as const;
const QUIET_MS = { from: 1_000, to: 3_000 };
/** Thousands of handshakes on a machine that does everything else too; the SDK's longest pause is 4 s at first. */
const BACK_MS_MAX = 60_000;
const ENDED_MS_MAX = 30_000;

export const edges: Scenario = {
  name: 'edges',
  title: 'edges with 3,000 idle sockets besides the load, drained and killed',
  setting: { roles: { edge: 3 }, idleSockets: 3_000 },
  async inject(stage) {
    for (let turn = stage.random() < 0.5 ? 0 : 1; !stage.isOver(); turn++) {
      const [signal, text] = SIGNALS[turn % SIGNALS.length]!;
      const name = someProcess(stage, 'edge');
      await stage.fault(`${text} ${name}`, signal === 'SIGKILL' ? 'worker' : 'other', async () => {
        await endsAndStarts(stage, name, signal);
      });
      await everybodyIsBack(stage, `${text} ${name}`);
      await stage.recovered();
      await stage.sleep(between(stage, QUIET_MS.from, QUIET_MS.to));
    }
  },
};

/** Drained for 20 s at most, then started again. */
async function endsAndStarts(stage: Stage, name: string, signal: NodeJS.Signals): Promise<void> {
  const edge = () => stage.cluster.processes().find((process) => process.name === name)!;
  const { restarts } = edge();
  stage.cluster.kill(name, signal);
  await waitUntil(`${name} ends`, () => edge().restarts > restarts, ENDED_MS_MAX);
  await stage.ready();
}

async function everybodyIsBack(stage: Stage, fault: string): Promise<void> {
  try {
    await stage.idle!.whenAllLive(BACK_MS_MAX);
  } catch (error) {
    stage.fail(`after ${fault}: ${(error as Error).message}`);
  }
}
