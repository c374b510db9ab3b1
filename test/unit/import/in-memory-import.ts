// An import without a server: the plan's commands go straight into the real fold, and its decisions into inboxes.

import { contentTypeOf } from '../../../services/commands/import/content-type.ts';
import { expectRoom } from '../../../services/commands/import/expect-room.ts';
import type { ImportedRoom } from '../../../services/commands/import/inbox-checker.ts';
import { CREATED_KEY } from '../../../services/commands/import/line-key.ts';
import type { Step } from '../../../services/commands/import/plan-room.ts';
import { planRoom } from '../../../services/commands/import/plan-room.ts';
import type { Room } from '../../../services/commands/import/read-history.ts';
import { IMPORTER } from '../../../services/commands/import/user-of-nick.ts';
import type { Command } from '../../../services/events/commands.ts';
import type { Outcome } from '../../../services/events/outcome.ts';
import { unbornConversation } from '../../../services/fanout/conversation-state.ts';
import { step } from '../../../services/fanout/fold-conversation.ts';
import { eventBodyOf } from '../../../services/protocol/event-body.ts';
import type { EventBody } from '../../../services/protocol/frames.ts';

export const CONVERSATION = `g:${'0'.repeat(32)}`;
const NOW = 1_800_000_000_000;

export interface InMemoryImport {
  readonly inboxes: ReadonlyMap<string, EventBody[]>;
  readonly outcomes: readonly Outcome[];
  readonly rooms: ReadonlyMap<string, ImportedRoom>;
}

export function importInMemory(room: Room): InMemoryImport {
  const plan = planRoom(room);
  const expected = expectRoom(room);
  const state = unbornConversation(CONVERSATION);
  const inboxes = new Map<string, EventBody[]>();
  const outcomes: Outcome[] = [];
  const indexOf = new Map<string, number>();
  let offset = 0;
  const decide = (key: number, make: (commandId: string) => Command) => {
    const commandId = commandIdAt(offset);
    const index = expected.events.findIndex((event) => event.key === key);
    if (index >= 0) indexOf.set(commandId, index);
    const { outcome, event, recipients } = step(state, make(commandId), { position: offset++, appendTime: NOW });
    outcomes.push(outcome);
    if (event === null) return;
    for (const user of recipients) inboxes.set(user, [...(inboxes.get(user) ?? []), eventBodyOf(event)]);
  };
  const common = { conversationId: CONVERSATION, origin: { node: 'n', incarnation: 'i', session: 0, request: 0 } };
  const { founders: members } = plan;
  decide(CREATED_KEY, (commandId) => {
    return {
      ...common,
      type: 'CreateConversation',
      sender: IMPORTER,
      commandId,
      title: room.name,
      memberLimit: 500,
      members,
    };
  });
  for (const each of plan.steps)
    decide(each.key, (commandId) => ({ ...common, commandId, ...commandOf(each) }) as Command);
  return { inboxes, outcomes, rooms: new Map([[CONVERSATION, { expected, indexOf }]]) };
}

function commandOf(each: Step) {
  if (each.type !== 'send') {
    return each.type === 'add'
      ? { type: 'AddMembers', sender: IMPORTER, members: [each.user] }
      : { type: 'RemoveMember', sender: IMPORTER, member: each.user };
  }
  const { user, text } = each.line;
  const payload = new TextEncoder().encode(text);
  return { type: 'SendMessage', sender: user, contentType: contentTypeOf(each.line), keyId: null, payload };
}

function commandIdAt(number: number): string {
  const hex = NOW.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${number.toString(16).padStart(12, '0')}`;
}
