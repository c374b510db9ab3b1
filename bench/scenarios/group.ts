// One group whose members are all online, one of whom writes: first one message at a time (the next when everybody has the
// last), then several under way.
import { v7 } from 'uuid';
import { type Figures, Measurement } from '../loader/measurement.ts';
import { mintToken, openConnections } from '../loader/open-connections.ts';
import { runLoad } from '../loader/run-load.ts';
import { Traffic } from '../loader/traffic.ts';
import type { LoadResult, Scenario, ScenarioContext } from './scenario.ts';

/** Its creation is the first event of a group. */
const SEQ_OF_CREATION = 1;
const CREATED_MS_MAX = 10_000;
const CREATED_POLL_MS = 10;

export const group: Scenario = async (context) => {
  const results: LoadResult[] = [];
  for (const window of [1, context.options.window]) results.push(await runGroup(context, window));
  return results;
};

async function runGroup(context: ScenarioContext, window: number): Promise<LoadResult> {
  const { target, options, progress } = context;
  const name = `group-${window}`;
  const traffic = new Traffic(new Measurement(target.processes), options.members, options.payload_bytes);
  const users = Array.from({ length: options.members }, (_, i) => `${name}-${i}`);
  progress(`${name}: connecting ${users.length} users`);
  const { connections, failed } = await openConnections(target, traffic, users);
  const before = connections.map(({ cursor }) => cursor);
  const conversationId = await createGroup(context, users);
  await waitFor(() => connections.every(({ cursor }, i) => cursor > before[i]!));
  for (const connection of connections) connection.join(conversationId, SEQ_OF_CREATION);
  const sender = connections[0]!;
  sender.becomeSender(traffic.addSender());
  let sending = true;
  traffic.onComplete = () => {
    if (sending) sender.send(performance.now());
  };
  const figures = await runLoad(context, {
    name,
    traffic,
    connections,
    failed,
    start: () => {
      for (let i = 0; i < window; i++) sender.send(performance.now());
    },
    stop: () => {
      sending = false;
    },
  });
  for (const connection of connections) connection.close();
  const { faults, notes } = traffic;
  const load = `group of ${options.members}, ${window === 1 ? 'one at a time' : `${window} in flight`}`;
  return { scenario: 'group', load, unit: 'copy', count: copiesOf(figures), figures, faults, notes };
}

function copiesOf({ delivered, ownCopies }: Figures): number {
  return delivered + ownCopies;
}

async function createGroup({ target }: ScenarioContext, users: readonly string[]): Promise<string> {
  const [creator, ...members] = users;
  const response = await fetch(`${target.apiUrl}/v1/conversations`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await mintToken(target, creator!)}`,
      'content-type': 'application/json',
      'idempotency-key': v7(),
    },
    body: JSON.stringify({ kind: 'group', title: 'bench', members }),
  });
  const text = await response.text();
  const id = /"conversationId":"(g:[0-9a-f]+)"/.exec(text)?.[1];
  if (!response.ok || id === undefined) throw new Error(`no group was made: ${response.status} ${text}`);
  return id;
}

async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + CREATED_MS_MAX;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('the members were not told of their group');
    await new Promise((resolve) => setTimeout(resolve, CREATED_POLL_MS));
  }
}
