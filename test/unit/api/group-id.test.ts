import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupIdOf, newCommandId } from '../../../services/api/index.ts';
import { isCommandId, isGroupId, timeOfCommandId } from '../../../services/events/ids.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

const id = '01890000-0000-7000-8000-000000000001';

test('the id of a group follows from its creator and the command', () => {
  assert.ok(isGroupId(groupIdOf('alice', id)));
  assert.equal(groupIdOf('alice', id), groupIdOf('alice', id));
  assert.notEqual(groupIdOf('alice', id), groupIdOf('bob', id));
  assert.notEqual(groupIdOf('alice', id), groupIdOf('alice', id.replace(/1$/, '2')));
});

test('the border between the two parts is part of what is hashed', () => {
  assert.notEqual(groupIdOf('a1', id.slice(1)), groupIdOf('a', `1${id.slice(1)}`));
});

test('a command id made here is a UUIDv7 of the runtime’s time', () => {
  const runtime = new ManualRuntime();
  const made = newCommandId(runtime);
  assert.ok(isCommandId(made), made);
  assert.equal(timeOfCommandId(made), runtime.now());
  assert.notEqual(newCommandId(runtime), made);
});
