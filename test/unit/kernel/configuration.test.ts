import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { describe, test } from 'node:test';
import {
  loadConfiguration,
  loadLogAddress,
  settingNames,
  settingsMarkdown,
  settingsText,
} from '../../../services/kernel/configuration.ts';

type Env = Record<string, string>;

function configurationOf(env: Env) {
  const loaded = loadConfiguration(env);
  assert.ok('configuration' in loaded, 'errors' in loaded ? loaded.errors.join('\n') : '');
  return loaded.configuration;
}

function errorsOf(env: Env): readonly string[] {
  const loaded = loadConfiguration(env);
  return 'errors' in loaded ? loaded.errors : [];
}

/** The one error, which must be one line and name the setting first. */
function errorOf(env: Env, name: string): string {
  const errors = errorsOf(env);
  assert.equal(errors.length, 1, errors.join('\n'));
  assert.ok(errors[0]!.startsWith(`${name}: `), errors[0]);
  assert.doesNotMatch(errors[0]!, /\n/);
  return errors[0]!;
}

const strong = () => randomBytes(48).toString('base64');

describe('the configuration', () => {
  test('has a default for everything', () => {
    const configuration = configurationOf({});
    assert.equal(configuration.port, 8080);
    assert.equal(configuration.edgePort, 8081);
    assert.equal(configuration.environment, 'development');
    assert.equal(configuration.secret, null);
    assert.equal(configuration.demo, true);
    assert.equal(configuration.framesPerSecond, 50);
    assert.ok(isAbsolute(configuration.data));
    assert.equal(configuration.cache, join(homedir(), '.cache', 'fanlog'));
  });

  test('puts the edge on the port after the api', () => {
    assert.equal(configurationOf({ PORT: '9000' }).edgePort, 9001);
    assert.equal(configurationOf({ PORT: '9000', FANLOG_EDGE_PORT: '9100' }).edgePort, 9100);
    assert.equal(configurationOf({ PORT: '0' }).edgePort, 0);
  });

  test('puts operations two ports after the api, never on a port that is taken', () => {
    assert.equal(configurationOf({ PORT: '9000' }).operationsPort, 9002);
    assert.equal(configurationOf({ PORT: '0' }).operationsPort, 0);
    errorOf({ PORT: '9000', FANLOG_OPERATIONS_PORT: '9001' }, 'FANLOG_OPERATIONS_PORT');
    errorOf({ PORT: '65534' }, 'PORT');
  });

  test('takes an empty variable for one that is not set', () => {
    assert.equal(configurationOf({ FANLOG_APP_KEY: '', PORT: ' ' }).appKey, null);
  });

  test('ignores variables of other programs', () => {
    assert.equal(configurationOf({ PATH: '/bin', HOSTNAME: 'here' }).port, 8080);
  });

  test('names the nearest setting for one that does not exist', () => {
    assert.match(errorOf({ FANLOG_SECRT: 'x' }, 'FANLOG_SECRT'), /FANLOG_SECRET\?/);
    assert.match(errorOf({ FANLOG_LOGLEVEL: 'info' }, 'FANLOG_LOGLEVEL'), /FANLOG_LOG_LEVEL\?/);
  });

  test('reports every mistake at once', () => {
    assert.equal(errorsOf({ PORT: 'http', FANLOG_ENV: 'staging', FANLOG_LOG_LEVEL: 'loud' }).length, 3);
  });

  test('refuses what is not a port', () => {
    for (const PORT of ['-1', '65536', '80.5', '8080x', '1e3']) errorOf({ PORT }, 'PORT');
    errorOf({ PORT: '65535' }, 'PORT');
    errorOf({ PORT: '8080', FANLOG_EDGE_PORT: '8080' }, 'FANLOG_EDGE_PORT');
  });

  test('refuses what is not a WebSocket address', () => {
    errorOf({ FANLOG_EDGE_URLS: 'https://chat.example.org' }, 'FANLOG_EDGE_URLS');
    assert.deepEqual(configurationOf({ FANLOG_EDGE_URLS: 'wss://a.example, wss://b.example' }).edgeUrls, [
      'wss://a.example',
      'wss://b.example',
    ]);
  });

  test('is the cluster profile when all three servers are named, and says which are missing', () => {
    assert.equal(configurationOf({}).cluster, null);
    const servers = { FANLOG_KAFKA: 'k1:9092, [::1]:9093', FANLOG_CASSANDRA: 'c:9042', FANLOG_REDIS: 'r:6379' };
    const secret = strong();
    assert.deepEqual(configurationOf({ ...servers, FANLOG_SECRET: secret }).cluster, {
      kafka: ['k1:9092', '[::1]:9093'],
      cassandra: ['c:9042'],
      redis: 'r:6379',
      dataCenter: 'datacenter1',
      keyspace: 'fanlog',
      prefix: '',
    });
    for (const name of Object.keys(servers)) {
      const rest = Object.fromEntries(Object.entries(servers).filter(([other]) => other !== name));
      assert.match(errorOf({ ...rest, FANLOG_SECRET: secret }, name), /Set all three/);
    }
    errorOf({ FANLOG_KAFKA: 'k:9092' }, 'FANLOG_CASSANDRA, FANLOG_REDIS');
    assert.equal(errorsOf({ FANLOG_KAFKA: '' }).length, 0);
    assert.match(errorOf(servers, 'FANLOG_SECRET'), /share one/);
  });

  test('refuses what cannot be the address of a server, or a name on it', () => {
    for (const FANLOG_KAFKA of ['k', 'k:', 'k:0', 'k:65536', 'http://k:9092', 'a:1,,b:2']) {
      errorOf({ FANLOG_KAFKA }, 'FANLOG_KAFKA');
    }
    assert.doesNotMatch(errorOf({ FANLOG_REDIS: 'tcp://u:hidden@r:6379' }, 'FANLOG_REDIS'), /hidden/);
    for (const FANLOG_KEYSPACE of ['Upper', '1st', 'a-b', 'x'.repeat(49), 'fanlog_t1'])
      errorOf({ FANLOG_KEYSPACE }, 'FANLOG_KEYSPACE');
    for (const FANLOG_PREFIX of ['a b', 'ü', 'x'.repeat(65)]) errorOf({ FANLOG_PREFIX }, 'FANLOG_PREFIX');
  });

  test('refuses a short secret everywhere, not only in production', () => {
    for (const name of ['FANLOG_SECRET', 'FANLOG_APP_KEY']) {
      assert.match(errorOf({ [name]: 'x'.repeat(31) }, name), /31 bytes of the 32/);
      configurationOf({ [name]: 'x'.repeat(32) });
      configurationOf({ [name]: 'ü'.repeat(16) });
    }
  });

  test('never repeats a long or many-lined value', () => {
    const error = errorOf({ FANLOG_ENV: `a\nb${'c'.repeat(500)}` }, 'FANLOG_ENV');
    assert.ok(error.length < 200, error);
  });
});

describe('in production', () => {
  const production = (env: Env) => ({ FANLOG_ENV: 'production', ...env });

  test('a strong secret of one’s own is enough, and there are no demo users', () => {
    assert.equal(configurationOf(production({ FANLOG_SECRET: strong() })).demo, false);
  });

  test('a missing, short, repetitive or guessable secret is refused', () => {
    errorOf(production({}), 'FANLOG_SECRET');
    const weak = [
      randomBytes(16).toString('base64'),
      'a'.repeat(64),
      'abababababababababababababababababab',
      `changeme-${strong()}`,
      'my very secret key, which is long enough',
    ];
    for (const FANLOG_SECRET of weak) errorOf(production({ FANLOG_SECRET }), 'FANLOG_SECRET');
  });

  test('the application key must be as strong, and another one', () => {
    const FANLOG_SECRET = strong();
    errorOf(production({ FANLOG_SECRET, FANLOG_APP_KEY: 'short' }), 'FANLOG_APP_KEY');
    errorOf(production({ FANLOG_SECRET, FANLOG_APP_KEY: FANLOG_SECRET }), 'FANLOG_APP_KEY');
    assert.equal(errorsOf(production({ FANLOG_SECRET, FANLOG_APP_KEY: strong() })).length, 0);
  });

  test('demo users are refused', () => {
    errorOf(production({ FANLOG_SECRET: strong(), FANLOG_DEMO: 'on' }), 'FANLOG_DEMO');
  });

  test('no message holds the secret', () => {
    const FANLOG_SECRET = 'tooshort-d41d8cd9';
    assert.ok(!errorOf(production({ FANLOG_SECRET }), 'FANLOG_SECRET').includes(FANLOG_SECRET));
  });
});

describe('the table of settings', () => {
  test('has one row a setting', () => {
    const rows = settingsMarkdown().split('\n').slice(2);
    assert.equal(rows.length, settingNames.length);
    for (const [index, name] of settingNames.entries()) assert.ok(rows[index]!.startsWith(`| \`${name}\` |`));
  });

  test('is plain text of at most 100 columns for a terminal', () => {
    const text = settingsText();
    for (const name of settingNames) assert.ok(text.includes(`  ${name} `), name);
    assert.doesNotMatch(text, /[`|]/);
    for (const line of text.split('\n')) assert.ok(line.length <= 100, line);
  });

  test('stands in README.md as it is', () => {
    const readme = new URL('../../../README.md', import.meta.url);
    if (!existsSync(readme)) return; // from the day there is one
    const section = /<!-- settings -->\n([\s\S]*?)\n<!-- \/settings -->/.exec(readFileSync(readme, 'utf8'))?.[1];
    assert.equal(section?.trim(), settingsMarkdown());
  });
});

test('a command that only reads the log needs to know no more than where it is', () => {
  const address = loadLogAddress({ FANLOG_KAFKA: 'k1:9092,k2:9092', FANLOG_PREFIX: 'a.', FANLOG_DATA: '/data' });
  assert.deepEqual(address, { data: '/data', kafka: ['k1:9092', 'k2:9092'], prefix: 'a.' });
  const wrong = loadLogAddress({ FANLOG_KAFKA: 'k1', FANLOG_PREFX: 'a.' });
  assert.ok('errors' in wrong);
  assert.match(
    wrong.errors.join('\n'),
    /^FANLOG_PREFX: there is no such setting.*\nFANLOG_KAFKA: "k1" is not host:port/,
  );
});
