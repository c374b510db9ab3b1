// Who is in a group, and adding, removing and leaving. Owner and admins add and remove.
import type { Member } from '../client/browser.ts';
import { avatarView } from './avatar-view.ts';
import type { ChatSession } from './chat-session.ts';
import type { Conversation } from './conversation-book.ts';
import { type Dialog, openDialog } from './dialog.ts';
import { h } from './dom.ts';
import { field, form } from './field.ts';
import { reasonOf } from './sign-in-view.ts';
import { parseUsers } from './user-list.ts';

export class MembersPanel {
  readonly #session: ChatSession;
  readonly #conversation: Conversation;
  readonly #dialog: Dialog;
  readonly #list = h('ul', { class: 'members' });
  readonly #problem = h('p', { class: 'problem', role: 'alert' });
  readonly #actions = h('div', { class: 'member-actions' });

  constructor(session: ChatSession, conversation: Conversation) {
    this.#session = session;
    this.#conversation = conversation;
    this.#dialog = openDialog('Members', { name: 'members' });
    this.#dialog.element.classList.add('drawer');
    this.#dialog.body.append(this.#list, this.#problem, this.#actions);
    this.#drawActions();
    void this.refresh();
  }

  get isOpen(): boolean {
    return this.#dialog.element.open;
  }

  get conversationId(): string {
    return this.#conversation.id;
  }

  async refresh(): Promise<void> {
    const reply = await this.#session.api.members(this.#conversation.id);
    if (!reply.ok || reply.data === null) {
      this.#problem.textContent = reasonOf(reply);
      return;
    }
    this.#list.replaceChildren(...reply.data.members.map((member) => this.#row(member)));
    this.#drawActions();
  }

  get #mayManage(): boolean {
    return this.#conversation.role === 'owner' || this.#conversation.role === 'admin';
  }

  #row({ user, role }: Member): HTMLElement {
    const isMe = user === this.#session.me;
    const mayRemove = this.#mayManage && !isMe && role !== 'owner';
    const remove = () => this.#do(() => this.#session.api.removeMember(this.#conversation.id, user));
    return h(
      'li',
      { 'data-member': user },
      avatarView(user),
      h('span', { class: 'member-name' }, isMe ? `${user} (you)` : user),
      role === 'member' ? null : h('span', { class: 'role' }, role),
      mayRemove
        ? h('button', { class: 'quiet', type: 'button', 'aria-label': `Remove ${user}`, onclick: remove }, 'Remove')
        : null,
    );
  }

  #drawActions(): void {
    const parts = this.#conversation.role === null ? 0 : this.#mayManage ? 2 : 1;
    if (this.#actions.childElementCount === parts) return; // what is being typed stays
    const add = parts === 2 ? [this.#addForm()] : [];
    this.#actions.replaceChildren(...add, ...(parts === 0 ? [] : [this.#leaveButton()]));
  }

  // Asks once more: nobody can come back by themselves.
  #leaveButton(): HTMLButtonElement {
    const button = h('button', { class: 'danger', type: 'button' }, 'Leave the group');
    button.addEventListener('click', () => {
      if (button.dataset.sure === 'yes') void this.#leave();
      button.dataset.sure = 'yes';
      button.textContent = 'Really leave? Others would have to add you again';
    });
    return button;
  }

  #addForm(): HTMLFormElement {
    const users = field('Add members', { name: 'add', autocomplete: 'off', placeholder: 'e.g. dave, erin' });
    return form({
      name: 'add-members',
      action: 'Add',
      children: [users.element],
      submit: async () => {
        const list = parseUsers(users.input.value);
        if (list === null || list.length === 0) return 'Enter user ids with commas between.';
        const reply = await this.#session.api.addMembers(this.#conversation.id, list);
        if (!reply.ok) return reasonOf(reply);
        users.input.value = '';
        await this.refresh();
        return null;
      },
    });
  }

  async #leave(): Promise<void> {
    if (await this.#do(() => this.#session.api.leave(this.#conversation.id), false)) this.#dialog.close();
  }

  async #do(command: () => ReturnType<ChatSession['api']['leave']>, refreshes = true): Promise<boolean> {
    this.#problem.textContent = '';
    const reply = await command();
    if (!reply.ok) this.#problem.textContent = reasonOf(reply);
    else if (refreshes) await this.refresh();
    return reply.ok;
  }
}
