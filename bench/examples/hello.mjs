// Sends a message as alice to bob, and prints what arrives at bob's. Run it beside `npm start`:
//   node bench/examples/hello.mjs [http://localhost:8080]
import { createNodeClient, dataOf, HttpApi, systemRuntime } from 'fanlog/client';

const ARRIVAL_MS_MAX = 30_000;
const baseUrl = process.argv[2] ?? 'http://localhost:8080';
const api = new HttpApi({ baseUrl, runtime: systemRuntime });
const clients = [];

// Every connection asks for edges and a token of its own, so reconnecting works when a token is an hour old.
function connect(user, password) {
  const client = createNodeClient({
    edges: async () => dataOf(await api.edges()).edges,
    token: async () => dataOf(await api.signIn(user, password)).token,
    device: 'hello',
  });
  clients.push(client);
  return new Promise((resolve, reject) => {
    client.on('state', ({ state, reason }) => {
      if (state === 'live') resolve(client);
      // A program that stays would do nothing here: the client tries again by itself.
      if (state === 'waiting') reject(new Error(`${user}: ${reason}`));
    });
    client.on('error', ({ code, message }) => reject(new Error(`${user}: ${code}: ${message}`)));
    client.start();
  });
}

async function hello() {
  const [alice, bob] = await Promise.all([connect('alice', 'alice-demo'), connect('bob', 'bob-demo')]);
  const text = `Hello at ${new Date().toISOString()}`;
  const arrived = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error('nothing arrived within 30 seconds')), ARRIVAL_MS_MAX).unref();
    bob.on('entry', ({ inboxSeq, event }) => {
      if (event.kind === 'message' && event.payload === text) resolve({ inboxSeq, event });
    });
  });
  // `done` never rejects: what became of the message is a value.
  const sent = alice.send(api.directId('alice', 'bob'), text).done.then((outcome) => {
    console.log('alice:', outcome);
    if (outcome.result !== 'sequenced') throw new Error('the message was not sent');
  });
  const [{ inboxSeq, event }] = await Promise.all([arrived, sent]);
  console.log(`bob's entry ${inboxSeq}: ${event.sender} wrote "${event.payload}"`);
}

try {
  await hello();
} catch (error) {
  console.error(`hello: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const client of clients) client.close();
}
