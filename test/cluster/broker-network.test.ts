// The networks that fault scenarios cut brokers off in: who reaches whom, and that nothing of them is left, however the
// process ends that made them. Without brokers: three programs that answer stand in their places.
//
// Needs root and Linux. Elsewhere it must be refused by name.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { BrokerNetworks } from '../faults/brokers/broker-network.ts';
import { missingFor, NotOnThisMachineError } from '../faults/brokers/namespace.ts';
import { waitUntil } from './ledger/index.ts';

const LIMITS = { timeout: 60_000 };
const COUNT = 3;
const IDS = [1, 2, 3];
const PORT = 7_000;
const CONNECT_MS_MAX = 1_500;
const REACHED_MS_MAX = 10_000;
const GONE_MS_MAX = 10_000;

const ANSWER = `require('node:net').createServer((socket) => socket.end()).listen(${PORT}, () => console.log('there'))`;
/** Ends with 0 when it is let in. */
const KNOCK = `const socket = require('node:net').connect({ host: process.argv[1], port: ${PORT} }, () => process.exit(0));
socket.on('error', () => process.exit(1)); setTimeout(() => process.exit(1), ${CONNECT_MS_MAX})`;

function testHere(name: string, body: () => Promise<void>): void {
  test(name, LIMITS, async (context) => {
    const missing = missingFor('net');
    if (missing === null) return body();
    await assert.rejects(BrokerNetworks.open(COUNT), NotOnThisMachineError);
    context.diagnostic(`refused on this machine: ${missing}`);
  });
}

const places = (networks: BrokerNetworks) =>
  IDS.map((id) => {
    const { hosts, enter } = networks.place({ id, brokerPort: 0, controllerPort: 0 });
    return { id, ...hosts!, enter: enter! };
  });

/** From the host. */
function isReached(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: PORT, timeout: CONNECT_MS_MAX }, () => end(true));
    const end = (reached: boolean) => {
      socket.destroy();
      resolve(reached);
    };
    socket.on('error', () => end(false));
    socket.on('timeout', () => end(false));
  });
}

function runIn([program, ...args]: readonly string[], ...script: readonly string[]): ChildProcess {
  return spawn(program!, [...args, process.execPath, '-e', ...script], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** From one place to another, on the brokers' own network. */
async function reaches(from: { readonly enter: readonly string[] }, to: { readonly nodes: string }): Promise<boolean> {
  const knocking = runIn(from.enter, KNOCK, to.nodes);
  return (await new Promise((resolve) => knocking.once('exit', resolve))) === 0;
}

/** Our ends of the cables to brokers, by the address that clients have for one of them. */
function cablesOf(clients: string): readonly string[] {
  const network = clients.slice(0, clients.lastIndexOf('.') + 1);
  const ours = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  return ours.filter((address) => address.startsWith(network));
}

function untilGone(clients: string): Promise<number> {
  return waitUntil('the cables are gone', () => cablesOf(clients).length === 0, GONE_MS_MAX);
}

testHere('one that is cut off is reached by its clients, and by none of the others until it is healed', async () => {
  const networks = await BrokerNetworks.open(COUNT);
  const [first, second, third] = places(networks);
  const answering: ChildProcess[] = [];
  try {
    for (const place of [first!, second!, third!]) {
      const program = runIn(place.enter, ANSWER);
      answering.push(program);
      await new Promise((resolve) => program.stdout!.once('data', resolve));
    }
    const all = [first!, second!, third!];
    for (const place of all) assert.ok(await isReached(place.clients), `the host reaches ${place.id}`);
    assert.ok(await reaches(first!, second!));
    await networks.cutOff(1);
    assert.ok(await isReached(first!.clients), 'clients still reach it');
    const reached = await Promise.all([reaches(first!, second!), reaches(third!, first!), reaches(second!, third!)]);
    assert.deepEqual(reached, [false, false, true]);
    await networks.heal(1);
    await waitUntil('it reaches the others again', () => reaches(first!, third!), REACHED_MS_MAX);
    assert.ok(await reaches(second!, first!));
  } finally {
    for (const program of answering) program.kill('SIGKILL');
    await networks.close();
  }
  await untilGone(first!.clients);
});

testHere('nothing is left of them when the process that made them is killed by -9', async () => {
  const file = pathToFileURL(new URL('../faults/brokers/broker-network.ts', import.meta.url).pathname).href;
  const script = `const { BrokerNetworks } = await import('${file}');
const { hosts } = (await BrokerNetworks.open(${COUNT})).place({ id: 1, brokerPort: 0, controllerPort: 0 });
console.log(hosts.clients); setInterval(() => {}, 1_000)`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const maker = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const said = await new Promise<Buffer>((resolve) => maker.stdout.once('data', resolve));
    const clients = String(said).trim();
    // An address shows a moment after its cable was plugged in at both ends.
    await waitUntil('all cables are there', () => cablesOf(clients).length === COUNT, REACHED_MS_MAX);
    maker.kill('SIGKILL');
    await untilGone(clients);
  } finally {
    maker.kill('SIGKILL');
  }
});
