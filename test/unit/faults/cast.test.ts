import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENTS_MAX, CLIENTS_MIN, castOf } from '../../faults/load/cast-of.ts';

for (const clients of [CLIENTS_MIN, 40, 250, CLIENTS_MAX]) {
  test(`a cast of ${clients} has as many devices, pairs, groups, second devices and people who go offline`, () => {
    const { users, devices, pairs, groups, wanderers } = castOf(clients);
    assert.equal(devices.length, clients);
    assert.equal(new Set(devices.map(({ name }) => name)).size, clients);
    assert.equal(new Set(users).size, users.length);
    assert.ok(devices.length > users.length, 'users with several devices');
    assert.ok(wanderers.size > 0);
    for (const name of wanderers) assert.ok(devices.some((device) => device.name === name));
    assert.equal(new Set(pairs.map(({ id }) => id)).size, pairs.length, 'a conversation is one pair');
    assert.ok(groups.length >= 2);
    for (const { members, others } of groups) {
      assert.equal(new Set([...members, ...others]).size, members.length + others.length);
      assert.ok(members.length >= 5 && members.length <= 30 && others.length > 0);
    }
  });
}

test('names have no digits and no colons, which the reference decider could not read', () => {
  for (const user of castOf(CLIENTS_MAX).users) assert.match(user, /^[a-z]+$/);
});

test('pairs with somebody who goes offline are not measured, the others are', () => {
  const { pairs, wanderers } = castOf(250);
  const roams = (user: string) => wanderers.has(`${user}-phone`);
  for (const { users, isMeasured } of pairs) assert.equal(isMeasured, !users.some(roams));
  assert.ok(pairs.filter(({ isMeasured }) => isMeasured).length > pairs.length / 2);
});

test('the same number of clients is the same cast', () => {
  assert.deepEqual(castOf(250), castOf(250));
});
