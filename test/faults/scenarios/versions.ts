// Old and new version side by side: processes are drained and started again from another build, in any order, forth and
// back, while the schema of messages and of their events grows by a field (test/evolution).
//
//   today ⇄ A, which reads the field │ everybody is A │ A ⇄ B, which writes it; in between FoldVersion 2, from where on
//                                    │                │ events have it too
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TopicName } from '../../../services/events/topics.ts';
import { FOLD_VERSION } from '../../evolution/language-field.ts';
import { readAsToday } from '../../evolution/read-as-today.ts';
import { buildReleases, type ReleaseName, SCHEMAS } from '../../evolution/releases.ts';
import { switchFoldVersion } from '../../evolution/switch-fold-version.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { between, oneOf, shuffled, someProcess as someProcessOf } from './draw.ts';

/** Of the time of faults, before B. */
const FIRST_SHARE = 0.3;
/** Until the fold is switched, in restarts of A and B. */
const SWITCH_AFTER = { from: 1, to: 5 };
/** Commands and events have the field, and the entries of an inbox hold events. */
const WITH_FIELD: readonly TopicName[] = ['messages', 'timeline', 'inbox'];
const QUIET_MS = { from: 300, to: 1_500 };
const READY_MS_MAX = 60_000;

/** What the ledger has read of the newer release, in this run. */
const newer = new Set<TopicName>();

export const versions: Scenario = {
  name: 'versions',
  title: 'old and new version side by side, one process after the other; a field is added to messages and their events',
  setting: { readRecord: readAsToday(SCHEMAS, (topic) => newer.add(topic)) },
  async inject(stage) {
    newer.clear();
    const folder = mkdtempSync(join(tmpdir(), 'fanlog-versions-'));
    // The processes run from it until their installation is removed, after us.
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const releases = await buildReleases(folder);
    const become = async (name: string, release: ReleaseName) => {
      await stage.fault(`${name} becomes ${release}`, 'other', async () => {
        await stage.cluster.restartFrom(name, releases[release].mainFile);
        await stage.cluster.whenReady(READY_MS_MAX);
      });
      await stage.sleep(between(stage, QUIET_MS.from, QUIET_MS.to));
    };
    const begun = performance.now();
    while (performance.now() - begun < FIRST_SHARE * stage.window_ms)
      await become(someProcess(stage), oneOf(stage, ['today', 'a']));
    for (const name of shuffled(stage, names(stage))) await become(name, 'a');
    const switchAfter = Math.floor(between(stage, SWITCH_AFTER.from, SWITCH_AFTER.to));
    for (let restarts = 0; !stage.isOver() || restarts <= switchAfter; restarts++) {
      if (restarts === switchAfter) {
        const { kafka, prefix } = stage.cluster;
        await stage.fault(`fold version ${FOLD_VERSION}`, 'other', () =>
          switchFoldVersion({ kafka, prefix }, FOLD_VERSION),
        );
      }
      // The first, an edge, writes what only A and B read; whatever comes after is drawn.
      if (restarts === 0) await become(someProcessOf(stage, 'edge'), 'b');
      else await become(someProcess(stage), oneOf(stage, ['a', 'b']));
    }
    await stage.recovered();
    await stage.readLog();
    for (const topic of WITH_FIELD)
      if (!newer.has(topic)) stage.fail(`no record in ${topic} has the new field: old and new were not side by side`);
  },
};

function names({ cluster }: Stage): readonly string[] {
  return cluster.processes().flatMap(({ name, state }) => (state === 'stopped' ? [] : [name]));
}

function someProcess(stage: Stage): string {
  return oneOf(stage, names(stage));
}
