// One line of the chat: a day, a membership event, or a message with its state.
import { avatarView } from './avatar-view.ts';
import { clockTime, fullTime } from './calendar.ts';
import type { Bubble, ChatItem } from './chat-items.ts';
import { h, icon } from './dom.ts';
import { icons } from './icons.ts';
import { isRefused, type PendingState } from './pending-sends.ts';
import { textParts } from './text-links.ts';

export interface BubblePort {
  retry(localId: number): void;
  discard(localId: number): void;
}

// One tick at most: two would be read as "read", and nobody here knows who has read what.
const STATES: Readonly<Record<PendingState, { readonly paths: readonly string[]; readonly label: string }>> = {
  queued: { paths: icons.clock, label: 'Waiting to be sent' },
  accepted: { paths: icons.circle, label: 'Accepted, not in the log yet' },
  sequenced: { paths: icons.check, label: 'In the log (not a sign that it was read)' },
  rejected: { paths: icons.alert, label: 'Not sent' },
  perhaps_not_sent: { paths: icons.alert, label: 'Perhaps not sent' },
};

export function chatItemView(item: ChatItem, isGroup: boolean, port: BubblePort): HTMLElement {
  switch (item.type) {
    case 'day':
      return h('div', { class: 'day' }, h('span', {}, item.text));
    case 'unread':
      return h('div', { class: 'unread-mark' }, h('span', {}, 'New'));
    case 'line':
      return h('div', { class: 'line', title: fullTime(item.time) }, item.text);
    case 'bubble':
      return bubbleView(item, isGroup, port);
  }
}

function bubbleView(bubble: Bubble, isGroup: boolean, port: BubblePort): HTMLElement {
  const { isMine, isFirstOfGroup, isLastOfGroup, isUnsupported, sender, text, state, seq } = bubble;
  const classes = ['message', isMine ? 'mine' : 'theirs'];
  if (isFirstOfGroup) classes.push('first');
  if (isLastOfGroup) classes.push('last');
  const attributes = { class: classes.join(' '), 'data-state': state, 'data-seq': seq };
  const body = h('div', { class: isUnsupported ? 'bubble unsupported' : 'bubble' });
  if (isGroup && !isMine && isFirstOfGroup) body.append(senderName(sender));
  else if (isFirstOfGroup) body.append(h('span', { class: 'unseen' }, `${isMine ? 'You' : sender}: `));
  body.append(textView(text, isUnsupported), meta(bubble));
  const row = h('div', attributes);
  if (isGroup && !isMine) row.append(isLastOfGroup ? avatarView(sender, 'user', 'small') : h('span', { class: 'gap' }));
  row.append(h('div', { class: 'column' }, body, trouble(bubble, port)));
  return row;
}

function textView(text: string, isUnsupported: boolean): HTMLElement {
  const parts = isUnsupported ? [{ text, href: null }] : textParts(text);
  const link = { target: '_blank', rel: 'noopener noreferrer' };
  const nodes = parts.map((part) => (part.href === null ? part.text : h('a', { href: part.href, ...link }, part.text)));
  return h('span', { class: 'text', dir: 'auto' }, ...nodes);
}

function senderName(sender: string): HTMLElement {
  const element = h('span', { class: 'sender' }, sender);
  element.style.setProperty('--hue', avatarView(sender).style.getPropertyValue('--hue'));
  return element;
}

function meta({ time, state }: Bubble): HTMLElement {
  const element = h('span', { class: 'meta' }, h('time', { title: fullTime(time) }, clockTime(time)));
  if (state === null) return element;
  const { paths, label } = STATES[state];
  element.append(h('span', { class: 'mark', role: 'img', 'aria-label': label, title: label }, icon(paths)));
  return element;
}

function trouble({ state, reason, localId }: Bubble, port: BubblePort): HTMLElement | null {
  if (state === null || !isRefused(state) || localId === undefined) return null;
  const text =
    state === 'rejected'
      ? `Not sent. ${reason ?? ''}`
      : 'Perhaps not sent: nobody knows any more. Look above before you send it again.';
  const retry = () => port.retry(localId);
  const discard = () => port.discard(localId);
  return h(
    'div',
    { class: 'trouble' },
    h('span', {}, text),
    h('button', { class: 'link', type: 'button', onclick: retry }, 'Send again'),
    h('button', { class: 'link', type: 'button', onclick: discard }, 'Delete'),
  );
}
