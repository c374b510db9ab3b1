import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Passwords } from '../../../services/kernel/passwords.ts';
import { ManualRuntime } from './manual-runtime.ts';

const passwords = new Passwords(new ManualRuntime());

describe('a password', () => {
  test('verifies against what was stored of it, and no other does', async () => {
    const encoded = await passwords.hash('correct horse');
    assert.ok(typeof encoded === 'string');
    assert.match(encoded, /^scrypt\$15\$8\$1\$[\w-]+\$[\w-]+$/);
    assert.equal(await passwords.verify('correct horse', encoded), true);
    assert.equal(await passwords.verify('Correct horse', encoded), false);
    assert.equal(await passwords.verify('', encoded), false);
  });

  test('is salted: twice the same gives two texts', async () => {
    assert.notEqual(await passwords.hash('same'), await passwords.hash('same'));
  });

  test('typed with another composition of the same letters is the same', async () => {
    const encoded = (await passwords.hash('caf\u00e9')) as string;
    assert.equal(await passwords.verify('cafe\u0301', encoded), true);
  });

  test('of somebody who does not exist is wrong, and costs as much to find out', async () => {
    const encoded = (await passwords.hash('right')) as string;
    const timed = async (stored: string | null) => {
      const from = process.cpuUsage();
      assert.equal(await passwords.verify('wrong', stored), false);
      const { user, system } = process.cpuUsage(from);
      return user + system;
    };
    await timed(encoded);
    const costs = { wrong: await timed(encoded), nobody: await timed(null) };
    assert.ok(costs.nobody > costs.wrong / 3, JSON.stringify(costs));
  });

  test('made with other parameters still verifies', async () => {
    // Python: hashlib.scrypt(b'old', salt=b'0123456789abcdef', n=2**14, r=8, p=1, dklen=32)
    const { scryptSync } = await import('node:crypto');
    const salt = Buffer.from('0123456789abcdef');
    const hash = scryptSync('old', salt, 32, { N: 2 ** 14, r: 8, p: 1 });
    const encoded = `scrypt$14$8$1$${salt.toString('base64url')}$${hash.toString('base64url')}`;
    assert.equal(await passwords.verify('old', encoded), true);
  });
});

test('hashing leaves the event loop free', async () => {
  let turns = 0;
  const interval = setInterval(() => turns++, 1);
  await passwords.hash('some password');
  clearInterval(interval);
  assert.ok(turns >= 3, `${turns} turns in about 80 ms`);
});

test('more passwords at once than can wait are refused, and the others are answered', async () => {
  const crowded = new Passwords(new ManualRuntime());
  const results = await Promise.all(Array.from({ length: 40 }, (_, i) => crowded.hash(`password ${i}`)));
  const refused = results.filter((result) => typeof result !== 'string');
  assert.equal(refused.length, 6);
  for (const result of refused) assert.deepEqual(result, { code: 'too_many_requests' });
  assert.equal(typeof (await crowded.hash('later')), 'string');
});
