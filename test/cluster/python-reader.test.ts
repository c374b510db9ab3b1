// A reader we did not write: a consumer of published Python packages, on real Kafka, with the api's registry endpoint.
// What it finds on the topics is what was sent.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { createNodeClient, dataOf, type FanlogClient, HttpApi, systemRuntime } from '../../services/client/node.ts';
import { removeInstallation } from '../../services/commands/import/remove-installation.ts';
import { readSchemaFiles } from '../../services/events/schema-files.ts';
import { CLUSTER_LAYOUT, type TopicName, topicOf } from '../../services/events/topics.ts';
import { type FanlogProcess, startProcess } from '../integration/start-process.ts';
import { runPython } from '../python/run-python.ts';
import { pythonWith } from '../python/virtual-environment.ts';
import { readGolden } from '../unit/events/golden/golden-records.ts';
import { serversOfThisRun } from './servers.ts';

const PROGRAMS = resolve(import.meta.dirname, 'python-reader');
const README = resolve(import.meta.dirname, '../../schemas/README.md');
const READ_MS_MAX = 120_000;
const ROUNDS = 30;
const REPEATED = 20;
const REFUSED = 5;

interface Found {
  readonly records: Readonly<Record<string, number>>;
  readonly conversations: Readonly<Record<string, FoundConversation>>;
}
interface FoundConversation {
  readonly seq: number;
  readonly events: readonly (readonly [seq: number, name: string])[];
  readonly senders: Readonly<Record<string, number>>;
  readonly texts: readonly (readonly [sender: string, text: string])[];
}

/** What was said in a conversation, by the number that its sender was told. */
type Said = Map<number, readonly [sender: string, text: string]>;

const mark = randomBytes(4).toString('hex');
const prefix = `python-${mark}.`;
const keyspace = `python_${mark}`;
const layout = { ...CLUSTER_LAYOUT, prefix };
const folder = mkdtempSync(join(tmpdir(), 'fanlog-python-reader-'));
const users = ['alice', 'bob', 'carol', 'Zoë 🦊', 'mallory'] as const;
type User = (typeof users)[number];

let python = '';
let kafka = '';
let server: FanlogProcess | undefined;
const apis = new Map<User, HttpApi>();
const tokens = new Map<User, string>();
const clients = new Map<User, FanlogClient>();

before(async () => {
  const servers = await serversOfThisRun();
  kafka = servers.kafka;
  python = await pythonWith(join(PROGRAMS, 'requirements.txt'));
  server = await startProcess({
    FANLOG_KAFKA: kafka,
    FANLOG_CASSANDRA: servers.cassandra,
    FANLOG_REDIS: servers.redis,
    FANLOG_KEYSPACE: keyspace,
    FANLOG_PREFIX: prefix,
    FANLOG_SECRET: randomBytes(32).toString('base64'),
    FANLOG_FRAMES_PER_SECOND: '1000',
  });
  for (const user of users) await signUp(server.apiUrl, user);
});

after(async () => {
  for (const client of clients.values()) client.close();
  await server?.stop();
  await removeInstallation({ ...(await serversOfThisRun()), dataCenter: 'datacenter1', keyspace, prefix });
  rmSync(folder, { recursive: true, force: true });
});

async function signUp(baseUrl: string, user: User): Promise<void> {
  const token = async () => tokens.get(user)!;
  const api = new HttpApi({ baseUrl, runtime: systemRuntime, token });
  tokens.set(user, dataOf(await api.register(user, `password of ${user}`)).token);
  apis.set(user, api);
  const client = createNodeClient({ edges: dataOf(await api.edges()).edges, token, device: 'test' });
  clients.set(user, client);
  await client.start();
}

/** By the socket; resolves when it has its number. */
async function say(said: Said, user: User, conversationId: string, text: string): Promise<void> {
  const outcome = await clients.get(user)!.send(conversationId, text).done;
  assert.equal(outcome.result, 'sequenced', JSON.stringify(outcome));
  said.set(outcome.seq, [user, text]);
}

/** By HTTP, under an id of the caller's: the same one again is a repeat. */
async function post(user: User, conversationId: string, payload: string, id: string) {
  const response = await fetch(`${server!.apiUrl}/v1/conversations/${encodeURIComponent(conversationId)}/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokens.get(user)!}`,
      'content-type': 'application/json',
      'idempotency-key': id,
    },
    body: JSON.stringify({ payload }),
  });
  const { code, data } = (await response.json()) as { code: string; data: { seq: number; repeat: boolean } | null };
  return { code, seq: data?.seq ?? 0, repeat: data?.repeat ?? false };
}

async function read(name: TopicName): Promise<Found> {
  const args = [kafka, `${server!.apiUrl}/registry`, topicOf(layout, name)];
  return JSON.parse(await runPython(python, [join(PROGRAMS, 'reader.py'), ...args], READ_MS_MAX));
}

function inOrder(said: Said): (readonly [string, string])[] {
  return [...said].sort(([a], [b]) => a - b).map(([, line]) => line);
}

function countBySender(said: Said): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [sender] of said.values()) counts[sender] = (counts[sender] ?? 0) + 1;
  return counts;
}

test('a Python consumer with Confluent’s deserializer and our registry finds on the topics what was sent', async () => {
  const alice = apis.get('alice')!;
  const direct: Said = new Map();
  const group: Said = new Map();
  const odd: Said = new Map();

  // Two people at once; a group that others join and leave while its members go on; a name that is not ASCII.
  const directId = alice.directId('alice', 'bob');
  const oddId = alice.directId('alice', 'Zoë 🦊');
  const made = dataOf(await alice.createGroup('Größen & 名前', ['bob']));
  const groupId = made.conversationId;
  const sends: Promise<void>[] = [];
  const talk = (round: number, ...members: User[]) => {
    sends.push(say(direct, 'alice', directId, `alice ${round}: “Grüße” 💬`));
    sends.push(say(direct, 'bob', directId, `bob ${round}: 你好, \u0000 and "quotes"`));
    sends.push(say(odd, 'Zoë 🦊', oddId, `Zoë ${round}: עברית`));
    for (const user of members) sends.push(say(group, user, groupId, `${user} ${round} in the group: ë`));
  };
  for (let round = 0; round < ROUNDS; round++) talk(round, 'alice', 'bob');
  dataOf(await alice.addMembers(groupId, ['carol', 'Zoë 🦊']));
  for (let round = ROUNDS; round < 2 * ROUNDS; round++) talk(round, 'alice', 'carol');
  await Promise.all(sends);
  dataOf(await apis.get('carol')!.leave(groupId));
  dataOf(await alice.removeMember(groupId, 'bob'));

  // Sent again under the same id, at once and later, and sent by someone who may not.
  const repeats = Array.from({ length: REPEATED }, (_, i) => ({ id: alice.clock.makeId(), text: `once ${i} ✓` }));
  for (const { id, text } of repeats) {
    const results = [
      ...(await Promise.all([post('alice', directId, text, id), post('alice', directId, text, id)])),
      await post('alice', directId, text, id),
    ];
    assert.deepEqual(
      results.map(({ code }) => code),
      ['ok', 'ok', 'ok'],
    );
    assert.equal(new Set(results.map(({ seq }) => seq)).size, 1);
    assert.equal(results.filter(({ repeat }) => !repeat).length, 1);
    direct.set(results[0]!.seq, ['alice', text]);
  }
  for (let i = 0; i < REFUSED; i++) {
    const { code } = await post('mallory', groupId, `refused ${i}`, alice.clock.makeId());
    assert.equal(code, 'not_a_member');
  }

  const timeline = await read('timeline');
  const messages = direct.size + group.size + odd.size;
  assert.equal(messages, 4 * ROUNDS + REPEATED + 4 * ROUNDS + 2 * ROUNDS);
  assert.deepEqual(timeline.records, {
    ConversationCreated: 1,
    MembersAdded: 1,
    MemberLeft: 1,
    MemberRemoved: 1,
    MessageSent: messages,
  });
  assert.deepEqual(Object.keys(timeline.conversations).sort(), [directId, groupId, oddId].sort());
  for (const [id, said] of [
    [directId, direct],
    [groupId, group],
    [oddId, odd],
  ] as const) {
    const found = timeline.conversations[id]!;
    assert.deepEqual(found.texts, inOrder(said));
    assert.deepEqual(found.senders, countBySender(said));
    assert.deepEqual(
      found.events.map(([seq]) => seq),
      found.events.map((_, i) => i + 1),
      'dense, in the order of the log',
    );
  }
  const changes = timeline.conversations[groupId]!.events.filter(([, name]) => name !== 'MessageSent');
  assert.deepEqual(
    changes.map(([, name]) => name),
    ['ConversationCreated', 'MembersAdded', 'MemberLeft', 'MemberRemoved'],
  );

  // The other topics hold more, and canaries: they ran, so that there is none on the timeline says something.
  const [asked, inbox] = [await read('messages'), await read('inbox')];
  const { Canary = 0, ...commands } = asked.records;
  const { InboxCanary = 0, ...entries } = inbox.records;
  assert.ok(Canary > 0 && InboxCanary > 0, `${Canary} canaries asked, ${InboxCanary} in the inboxes`);
  assert.ok(commands.SendMessage! >= messages + 2 * REPEATED + REFUSED, `${commands.SendMessage} commands`);
  assert.deepEqual(Object.keys(entries), ['InboxEntries']);
});

test('it decodes the golden bytes of every schema to their meaning', async () => {
  const golden = readGolden();
  const asked = readSchemaFiles().flatMap(({ id, name, topic }) => {
    return golden[id]!.records.map(({ hex, fields }) => ({ id, name, topic: topicOf(layout, topic), hex, fields }));
  });
  const file = join(folder, 'golden.json');
  writeFileSync(file, JSON.stringify(asked));
  const program = join(PROGRAMS, 'golden.py');
  const output = await runPython(python, [program, `${server!.apiUrl}/registry`, file], READ_MS_MAX);
  assert.deepEqual(
    JSON.parse(output),
    asked.map(({ name, fields }) => ({ name, fields })),
  );
});

test('the program in schemas/README.md runs as it stands there', async () => {
  const [, program] = /```python\n([\s\S]*?)```/.exec(readFileSync(README, 'utf8')) ?? [];
  assert.ok(program !== undefined, 'there is none');
  const file = join(folder, 'readme.py');
  const here = Object.entries({
    'http://localhost:8080': server!.apiUrl,
    'localhost:9092': kafka,
    'timeline.g1': topicOf(layout, 'timeline'),
  }).reduce((text, [there, ours]) => {
    assert.ok(text.includes(there), there);
    return text.replaceAll(there, ours);
  }, program);
  writeFileSync(file, here);
  const lines = (await runPython(python, [file], READ_MS_MAX)).trim().split('\n');
  assert.equal(lines.filter((line) => line.includes('“Grüße” 💬')).length, 2 * ROUNDS);
});
