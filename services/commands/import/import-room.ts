// One room, line by line: the next one waits until the log has the last one (a message) or it is decided (a command), so
// that the log holds the room in the file's order.
import type { ApiReply, CommandOutcome, SentMessage } from '../../client/node.ts';
import { ImportFailed } from './bad-input.ts';
import { contentTypeOf } from './content-type.ts';
import type { FrontDoor } from './front-door.ts';
import type { Tally } from './ledger.ts';
import { CREATED_KEY } from './line-key.ts';
import type { RoomPlan, Step } from './plan-room.ts';
import { refusalCodeOf, type Speakers } from './speakers.ts';

export interface RoomImport {
  readonly conversationId: string;
  /** By the id of the message or command: the key of the step it was for. */
  readonly keyOf: ReadonlyMap<string, number>;
}

export interface RoomImporter {
  readonly door: FrontDoor;
  readonly speakers: Speakers;
  readonly messages: Tally;
  readonly commands: Tally;
  /** After each step; the next one waits for what it returns. */
  readonly onStep: () => Promise<void> | null;
}

/** Resolves when everything is decided. @throws ImportFailed */
export async function importRoom(plan: RoomPlan, importer: RoomImporter): Promise<RoomImport> {
  const { door, speakers, messages, commands, onStep } = importer;
  const keyOf = new Map<string, number>();
  const sent: SentMessage[] = [];

  const command = async (key: number, ask: (id: string) => Promise<ApiReply<CommandOutcome>>) => {
    const id = door.clock.makeId();
    keyOf.set(id, key);
    commands.sent++;
    const reply = await ask(id);
    countCommand(reply, commands);
    return reply;
  };
  const send = async ({ key, line }: Step & { type: 'send' }) => {
    messages.sent++;
    try {
      const message = await speakers.say(line.user, conversationId, line.text, contentTypeOf(line));
      if (message.clientMessageId !== null) keyOf.set(message.clientMessageId, key);
      if (message.stage !== 'rejected') messages.accepted++;
      sent.push(message);
    } catch (error) {
      messages.reject(refusalCodeOf(error));
    }
  };

  const created = await command(CREATED_KEY, (id) => door.api.createGroup(plan.room.name, plan.founders, id));
  if (created.data === null) throw new ImportFailed(`The group ${plan.room.name} was not made: ${created.message}`);
  const { conversationId } = created.data;
  for (const step of plan.steps) {
    if (step.type === 'send') await send(step);
    else if (step.type === 'add') {
      await command(step.key, (id) => door.api.addMembers(conversationId, [step.user], id));
    } else {
      await command(step.key, (id) => door.api.removeMember(conversationId, step.user, id));
    }
    const held = onStep();
    if (held !== null) await held;
  }
  for (const message of sent) countResult(await message.done, messages);
  return { conversationId, keyOf };
}

function countCommand({ ok, status, code, message, data }: ApiReply<CommandOutcome>, commands: Tally): void {
  if (status === 0) throw new ImportFailed(`The server does not answer: ${message}`);
  if (!ok) commands.reject(code);
  else if (data?.seq === undefined) commands.unchanged++;
  else commands.sequenced++;
}

function countResult(result: Awaited<SentMessage['done']>, messages: Tally): void {
  if (result.result === 'sequenced') messages.sequenced++;
  else messages.reject(result.result === 'rejected' ? result.code : result.result);
}
