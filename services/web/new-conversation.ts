// Starting a conversation: with one user by their id, or a group by its title and members.
import { isUserId } from '../events/ids.ts';
import type { ChatSession } from './chat-session.ts';
import { openDialog } from './dialog.ts';
import { h } from './dom.ts';
import { field, form } from './field.ts';
import { reasonOf } from './sign-in-view.ts';
import { parseUsers } from './user-list.ts';

export function askForConversation(session: ChatSession, opened: (id: string) => void): void {
  const dialog = openDialog('New conversation', { name: 'new-conversation' });
  const finish = (id: string) => {
    dialog.close();
    opened(id);
  };
  const place = h('div');
  const modes = [
    { label: 'Direct', make: () => directForm(session, finish) },
    { label: 'Group', make: () => groupForm(session, finish) },
  ];
  const tabs = modes.map(({ label, make }) => {
    const onclick = () => {
      for (const tab of tabs) tab.setAttribute('aria-pressed', String(tab.textContent === label));
      place.replaceChildren(make());
      place.querySelector('input')?.focus();
    };
    return h('button', { type: 'button', 'aria-pressed': 'false', onclick }, label);
  });
  dialog.body.append(h('div', { class: 'segments', role: 'group', 'aria-label': 'Kind' }, ...tabs), place);
  tabs[0]!.click();
}

function directForm(session: ChatSession, finish: (id: string) => void): HTMLFormElement {
  const hint = 'The user need not exist yet (ids are opaque): your message waits in their inbox.';
  const user = field('User', { name: 'peer', autocomplete: 'off', maxlength: 64, placeholder: 'e.g. bob' }, hint);
  return form({
    name: 'new-direct',
    action: 'Start chatting',
    children: [user.element],
    submit: async () => {
      const name = user.input.value.trim();
      if (!isUserId(name)) return 'Enter the id of a user.';
      finish(session.api.directId(session.me, name));
      return null;
    },
  });
}

function groupForm(session: ChatSession, finish: (id: string) => void): HTMLFormElement {
  const title = field('Title', {
    name: 'title',
    autocomplete: 'off',
    maxlength: 120,
    placeholder: 'e.g. Weekend hike',
  });
  const hint = 'User ids with commas between. More can be added later.';
  const members = field('Members', { name: 'members', autocomplete: 'off', placeholder: 'e.g. bob, carol' }, hint);
  return form({
    name: 'new-group',
    action: 'Make the group',
    children: [title.element, members.element],
    submit: async () => {
      const name = title.input.value.trim();
      if (name === '') return 'Give the group a title.';
      const users = parseUsers(members.input.value);
      if (users === null) return 'One of the members is no user id.';
      const reply = await session.api.createGroup(name, users);
      if (!reply.ok || reply.data === null) return reasonOf(reply);
      const { conversationId, conversation } = reply.data;
      // The inbox will say the same in a moment; the page need not wait for it.
      session.book.addSummary(conversation ?? { conversationId, title: name, role: 'owner' });
      finish(conversationId);
      return null;
    },
  });
}
