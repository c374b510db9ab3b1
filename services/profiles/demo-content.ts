// Something to try at the first start, in development only: two users whose passwords everyone may know, and a group with
// a first message. Made through the front door, as any client would.
import { type CommandGateway, groupIdOf, newCommandId } from '../api/index.ts';
import type { Outcome } from '../events/outcome.ts';
import type { Refusal } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import { Passwords } from '../kernel/passwords.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { StateStore } from '../ports/store/state-store.ts';
import { CONTENT_TYPE_DEFAULT } from '../protocol/frames.ts';

export const DEMO_USERS = [
  { user: 'alice', password: 'alice-demo' },
  { user: 'bob', password: 'bob-demo' },
] as const;
export const DEMO_GROUP_TITLE = 'Welcome';
const FIRST_MESSAGE =
  'Welcome to fanlog. Open this page in a second window, sign in as the other user, and write back.';

export interface DemoDependencies {
  readonly store: StateStore;
  readonly gateway: CommandGateway;
  readonly runtime: Runtime;
}

/** Makes what is missing. The accounts come last: while one is missing, the start before this one was cut short. */
export async function createDemoContent({ store, gateway, runtime }: DemoDependencies): Promise<void> {
  const accounts = await Promise.all(DEMO_USERS.map(({ user }) => store.loadAccount(user)));
  if (!accounts.includes(null)) return;
  const [first, second] = DEMO_USERS;
  if ((await store.readMemberships(first.user)).length === 0) {
    const commandId = newCommandId(runtime);
    const conversationId = groupIdOf(first.user, commandId);
    const group = { conversationId, sender: first.user, commandId, title: DEMO_GROUP_TITLE } as const;
    const memberLimit = limits.group_members_max;
    decided(await gateway.submit({ type: 'CreateConversation', ...group, memberLimit, members: [second.user] }));
    const message = { conversationId, sender: first.user, commandId: newCommandId(runtime) } as const;
    const payload = new TextEncoder().encode(FIRST_MESSAGE);
    const content = { contentType: CONTENT_TYPE_DEFAULT, keyId: null, payload };
    decided(await gateway.submit({ type: 'SendMessage', ...message, ...content }));
  }
  const passwords = new Passwords(runtime);
  const hashes = await Promise.all(DEMO_USERS.map(({ password }) => passwords.hash(password)));
  for (const [index, { user }] of DEMO_USERS.entries()) {
    const passwordHash = hashes[index]!;
    if (typeof passwordHash !== 'string') throw new Error(passwordHash.code);
    await store.createAccount({ user, passwordHash, createdAt: runtime.now() });
  }
}

/** Demo users whose public password still opens their account. */
export async function openDemoUsers(store: StateStore, runtime: Runtime): Promise<string[]> {
  const passwords = new Passwords(runtime);
  const open: string[] = [];
  for (const { user, password } of DEMO_USERS) {
    const account = await store.loadAccount(user);
    if (account !== null && (await passwords.verify(password, account.passwordHash)) === true) open.push(user);
  }
  return open;
}

function decided(result: Outcome | Refusal): void {
  if ('code' in result) throw new Error(`the demo content was not made: ${result.code}`);
}
