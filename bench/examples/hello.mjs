// Sends a message as alice to bob, and prints what arrives at bob's. Run it beside `npm start`:
//   node bench/examples/hello.mjs
import { createNodeClient, HttpApi, systemRuntime } from 'fanlog/client';

const baseUrl = process.argv[2] ?? 'http://localhost:8080';
const api = new HttpApi({ baseUrl, runtime: systemRuntime });
const { edges } = (await api.edges()).data;

async function connect(user, password) {
  const { token } = (await api.signIn(user, password)).data;
  const client = createNodeClient({ edges, token: async () => token, device: 'hello' });
  await client.start();
  return client;
}

const alice = await connect('alice', 'alice-demo');
const bob = await connect('bob', 'bob-demo');
const text = `Hello at ${new Date().toISOString()}`;

bob.on('entry', ({ inboxSeq, event }) => {
  if (event.kind !== 'message' || event.payload !== text) return;
  console.log(`bob's entry ${inboxSeq}: ${event.sender} wrote "${event.payload}"`);
  alice.close();
  bob.close();
});
const { done } = alice.send(api.directId('alice', 'bob'), text);
console.log('alice:', await done);
