// What each client gave to its application, against the replayed log: the right entry under every number of an epoch, and
// all of them again after it had told the application to start over.
import type { Device } from '../world/device.ts';
import { nameOf } from './pointer.ts';
import type { ReplayedLog } from './replayed-log.ts';
import type { Violations } from './violations.ts';

export function checkGiven(devices: readonly Device[], replayed: ReplayedLog, violations: Violations): void {
  for (const { user, name, given } of devices) {
    for (const { epoch, isAnew, entries } of given) {
      const [first] = entries;
      if (first === undefined) continue;
      if (isAnew && first.inboxSeq !== 1)
        violations.add(`${name} started over in epoch ${epoch} and was given ${first.inboxSeq} first`, 'lost');
      const inbox = replayed.inbox(user, epoch!);
      for (const { inboxSeq, event } of entries) {
        const wanted = inbox[inboxSeq - 1];
        if (wanted !== undefined && nameOf(wanted) === nameOf(event)) continue;
        const found = `${name} was given ${nameOf(event)} at inboxSeq ${inboxSeq} of epoch ${epoch}`;
        violations.add(`${found}, not ${wanted && nameOf(wanted)}`, 'renumbered');
        break;
      }
    }
  }
}
