// A timeline event as clients see it. Positions, limits and key ids stay inside.
import type { TimelineEvent } from '../events/timeline-events.ts';
import type { EventBody } from './frames.ts';

// ignoreBOM: a payload that begins with U+FEFF keeps it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function eventBodyOf(event: TimelineEvent): EventBody {
  // Nearly every event is a message, and it is written out: `{ ...common }` costs 2.5 us, as much as all the rest.
  if (event.type === 'MessageSent') {
    return {
      conversationId: event.conversationId,
      seq: event.seq,
      ordinal: event.ordinal,
      sender: event.sender,
      clientMessageId: event.commandId,
      time: event.time,
      kind: 'message',
      contentType: event.contentType,
      payload: decoder.decode(event.payload),
    };
  }
  const { conversationId, seq, ordinal, sender, commandId, time } = event;
  const common = { conversationId, seq, ordinal, sender, clientMessageId: commandId, time };
  switch (event.type) {
    case 'ConversationCreated':
      return { ...common, kind: 'created', title: event.title, members: event.members };
    case 'MembersAdded':
      return { ...common, kind: 'added', members: event.members };
    case 'MemberRemoved':
      return { ...common, kind: 'removed', member: event.member };
    case 'MemberLeft':
      return { ...common, kind: 'left', successor: event.successor };
  }
}
