// What an event says in words: quiet lines for membership, one line for the list of conversations.
import type { EventBody } from '../protocol/frames.ts';

const NAMES_MAX = 3;

export function isText(contentType: string | undefined): boolean {
  return contentType === undefined || /^text\/plain\s*(;|$)/i.test(contentType);
}

/** A message's text as it is shown. */
export function messageText(contentType: string | undefined, payload: string): string {
  return isText(contentType) ? payload : `Unsupported (${contentType})`;
}

/** "You added carol and dave." Only for events that are no message. */
export function membershipText(event: EventBody, me: string): string {
  const who = nameOf(event.sender, me, true);
  switch (event.kind) {
    case 'created': {
      const others = event.members.filter((member) => member !== event.sender);
      return others.length === 0 ? `${who} made this group` : `${who} made this group with ${names(others, me)}`;
    }
    case 'added':
      return `${who} added ${names(event.members, me)}`;
    case 'removed':
      return `${who} removed ${nameOf(event.member, me, false)}`;
    case 'left': {
      if (event.successor === null) return `${who} left`;
      const isMine = event.successor === me;
      return `${who} left, ${isMine ? 'you are' : `${event.successor} is`} the owner now`;
    }
    case 'message':
      return '';
  }
}

/** One line for the list. In a direct conversation the other's name would only repeat the title. */
export function previewText(event: EventBody, me: string, isDirect: boolean): string {
  if (event.kind !== 'message') return membershipText(event, me);
  const text = messageText(event.contentType, event.payload).replace(/\s+/g, ' ').trim();
  if (event.sender === me) return `You: ${text}`;
  return isDirect ? text : `${event.sender}: ${text}`;
}

function names(users: readonly string[], me: string): string {
  const shown = users.slice(0, NAMES_MAX).map((user) => nameOf(user, me, false));
  const rest = users.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

function nameOf(user: string, me: string, startsSentence: boolean): string {
  if (user !== me) return user;
  return startsSentence ? 'You' : 'you';
}
