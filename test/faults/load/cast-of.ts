// A cast of any size, the same for the same number of devices.
//
//   nine in ten devices are a user's only one, one in ten is a second one
//   pairs      every user writes with the next one, and with one far away: the traffic that is measured
//   groups     of 5 to 30, three more users each who come and go
//   wanderers  one user in twelve is offline for a while, now and then, and comes back to what was missed
import { type Cast, type CastGroup, type CastPair, pair } from '../../cluster/ledger/index.ts';

export const CLIENTS_MIN = 20;
/** Each costs this process sockets, timers and frames to read; a few hundred are what a chat of people looks like. */
export const CLIENTS_MAX = 1_000;

const SECOND_DEVICES = 0.1;
const WANDERERS_EVERY = 12;
const GROUP_MIN = 5;
const GROUP_MAX = 30;
const OTHERS = 3;
/** Users that a group takes, with a part of the next one's. */
const USERS_PER_GROUP = 12;
/** A group's message costs as many rows as it has members, 17 as a rule: one in 40 makes a third of all rows. */
const GROUP_EVERY = 40;

/** @param clients devices, CLIENTS_MIN to CLIENTS_MAX */
export function castOf(clients: number): Cast {
  const users = Array.from({ length: Math.round(clients * (1 - SECOND_DEVICES)) }, (_, index) => nameOf(index));
  const second = users.slice(0, clients - users.length);
  const roaming = users.filter((_, index) => index % WANDERERS_EVERY === WANDERERS_EVERY - 1);
  const wanderers = new Set(roaming.map(phoneOf));
  return {
    users,
    devices: [
      ...users.map((user) => ({ user, name: phoneOf(user) })),
      ...second.map((user) => ({ user, name: `${user}-desk` })),
    ],
    pairs: pairsOf(users, new Set(roaming)),
    groups: groupsOf(users),
    groupEvery: GROUP_EVERY,
    wanderers,
    online_ms: 10_000,
    offline_ms: 5_000,
  };
}

/** Letters only: 0 is `useraaa`, 27 `userabb`. */
function nameOf(index: number): string {
  const letters = [676, 26, 1].map((unit) => String.fromCharCode(97 + (Math.floor(index / unit) % 26)));
  return `user${letters.join('')}`;
}

function phoneOf(user: string): string {
  return `${user}-phone`;
}

function pairsOf(users: readonly string[], roaming: ReadonlySet<string>): CastPair[] {
  const far = Math.floor(users.length / 2) - 1;
  const pairOf = (one: string, other: string) => pair(one, other, !roaming.has(one) && !roaming.has(other));
  const near = users.map((user, index) => pairOf(user, users[(index + 1) % users.length]!));
  const distant = users.slice(0, far).map((user, index) => pairOf(user, users[index + far]!));
  return [...near, ...distant];
}

function groupsOf(users: readonly string[]): CastGroup[] {
  const sizes = GROUP_MAX - GROUP_MIN + 1;
  return Array.from({ length: Math.ceil(users.length / USERS_PER_GROUP) }, (_, index) => {
    // Small and large ones in turn, none larger than half of everybody.
    const size = Math.min(GROUP_MIN + ((index * 7) % sizes), Math.floor(users.length / 2));
    const from = (index * USERS_PER_GROUP) % users.length;
    const drawn = Array.from({ length: size + OTHERS }, (_, place) => users[(from + place) % users.length]!);
    return { members: drawn.slice(0, size), others: drawn.slice(size) };
  });
}
