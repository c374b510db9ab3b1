import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { isUserId } from '../../../services/events/ids.ts';
import { Tokens } from '../../../services/kernel/tokens.ts';
import { ManualRuntime } from './manual-runtime.ts';

const SECRET = 'a secret for sessions, 32 bytes or more';
const APP_KEY = 'a key of the application, 32 bytes or more';

function setUp(appKey: string | null = APP_KEY) {
  const runtime = new ManualRuntime();
  return { runtime, tokens: new Tokens({ secret: SECRET, appKey, isUser: isUserId, runtime }) };
}

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** What an application's backend does with any JWT library. */
function mint(claims: object, key: string, header: object = { alg: 'HS256', typ: 'JWT' }, hash = 'sha256'): string {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

function claimsFor(runtime: ManualRuntime, changes: object = {}) {
  return { iss: 'app', aud: 'fanlog', sub: 'carol', exp: runtime.now() / 1000 + 600, ...changes };
}

describe('a token', () => {
  test('speaks for the user it was issued to, until it expires', async () => {
    const { tokens, runtime } = setUp();
    const { token, expiresAt } = await tokens.issue('alice');
    assert.equal(expiresAt, runtime.now() + 3_600_000);
    assert.deepEqual(await tokens.verify(token), { user: 'alice', expiresAt, issuer: 'fanlog' });
    await runtime.advance(3_600_000);
    assert.deepEqual(await tokens.verify(token), { code: 'token_expired' });
  });

  test('can be made by the application’s own backend, with the application’s key', async () => {
    const { tokens, runtime } = setUp();
    const identity = await tokens.verify(mint(claimsFor(runtime), APP_KEY));
    // Five seconds longer than it says: as long as it is taken.
    const expiresAt = runtime.now() + 605_000;
    assert.deepEqual(identity, { user: 'carol', expiresAt, issuer: 'app' });
  });

  test('of the application is not taken when no application key is set', async () => {
    const { tokens, runtime } = setUp(null);
    assert.deepEqual(await tokens.verify(mint(claimsFor(runtime), APP_KEY)), { code: 'unauthenticated' });
    await assert.rejects(tokens.issue('carol', 'app'));
  });

  test('signed with one key does not pass for the other issuer', async () => {
    const { tokens, runtime } = setUp();
    for (const token of [
      mint(claimsFor(runtime, { iss: 'fanlog' }), APP_KEY),
      mint(claimsFor(runtime, { iss: 'app' }), SECRET),
      mint(claimsFor(runtime, { iss: 'other' }), SECRET),
      mint(claimsFor(runtime, { iss: undefined }), SECRET),
    ]) {
      assert.deepEqual(await tokens.verify(token), { code: 'unauthenticated' });
    }
  });

  test('of another audience, without a user or without an end is not taken', async () => {
    const { tokens, runtime } = setUp();
    const wrong = [
      { aud: 'other' },
      { aud: undefined },
      { sub: undefined },
      { sub: '' },
      { sub: 'x'.repeat(65) },
      { sub: 'line\nbreak' },
      { sub: 7 },
      { exp: undefined },
      { exp: 'tomorrow' },
    ];
    for (const changes of wrong) {
      const identity = await tokens.verify(mint(claimsFor(runtime, changes), APP_KEY));
      assert.equal('code' in identity && identity.code, 'unauthenticated', JSON.stringify(changes));
    }
  });

  test('that lives longer than a day is not taken: it could not be taken back', async () => {
    const { tokens, runtime } = setUp();
    const identity = await tokens.verify(mint(claimsFor(runtime, { exp: runtime.now() / 1000 + 90_000 }), APP_KEY));
    assert.equal('code' in identity && identity.code, 'unauthenticated');
  });

  test('with any algorithm but HS256 is not taken', async () => {
    const { tokens, runtime } = setUp();
    const claims = claimsFor(runtime);
    const unsigned = `${base64url({ alg: 'none' })}.${base64url(claims)}.`;
    assert.deepEqual(await tokens.verify(unsigned), { code: 'unauthenticated' });
    assert.deepEqual(await tokens.verify(mint(claims, APP_KEY, { alg: 'HS512' }, 'sha512')), {
      code: 'unauthenticated',
    });
  });

  test('that was changed, cut or is no token at all is refused, never an exception', async () => {
    const { tokens } = setUp();
    const { token } = await tokens.issue('alice');
    const [header, , signature] = token.split('.');
    const forged = `${header}.${base64url({ iss: 'fanlog', aud: 'fanlog', sub: 'bob', exp: 9e9 })}.${signature}`;
    for (const text of [forged, token.slice(0, -1), '', '.', '..', 'a.b.c', '💥', 'x'.repeat(100_000), `${token}.x`]) {
      assert.deepEqual(await tokens.verify(text), { code: 'unauthenticated' }, text.slice(0, 40));
    }
  });

  test('of an application whose clock is a little ahead is taken', async () => {
    const { tokens, runtime } = setUp();
    const nbf = Math.floor(runtime.now() / 1000) + 3;
    assert.ok('user' in (await tokens.verify(mint(claimsFor(runtime, { nbf, iat: nbf }), APP_KEY))));
  });
});
