// One open conversation: its head, its messages, and where to write.
import { avatarView } from './avatar-view.ts';
import type { ChatSession } from './chat-session.ts';
import { ComposerView } from './composer-view.ts';
import type { Conversation, Role } from './conversation-book.ts';
import { h, icon } from './dom.ts';
import { icons } from './icons.ts';
import { MembersPanel } from './members-panel.ts';
import { MessageList } from './message-list.ts';
import { titleOf } from './sidebar-view.ts';

/** Names in the head of a group; the panel has the rest. */
const NAMES_MAX = 6;

export class ChatView {
  readonly element: HTMLElement;
  readonly id: string;
  readonly #session: ChatSession;
  readonly #conversation: Conversation;
  readonly #list: MessageList;
  readonly #composer: ComposerView;
  readonly #title = h('h2');
  readonly #subtitle = h('p');
  readonly #avatar = h('span', { class: 'chat-mark' });
  readonly #membersButton: HTMLButtonElement;
  #panel: MembersPanel | null = null;
  #shownTitle = '';
  /** Unknown until the first update. */
  #shownRole: Role | null | undefined;

  constructor(session: ChatSession, conversation: Conversation, drafts: Map<string, string>) {
    this.id = conversation.id;
    this.#session = session;
    this.#conversation = conversation;
    this.#list = new MessageList(session, conversation);
    this.#composer = new ComposerView(session, conversation, drafts);
    const back = h('a', { class: 'icon-button back', href: '#', 'aria-label': 'Back to conversations' });
    back.append(icon(icons.back));
    const open = () => {
      this.#panel = new MembersPanel(session, conversation);
    };
    const label = { 'aria-label': 'Members', title: 'Members' };
    this.#membersButton = h('button', { class: 'icon-button', type: 'button', ...label, onclick: open });
    this.#membersButton.append(icon(icons.people));
    const names = h('div', { class: 'names' }, this.#title, this.#subtitle);
    this.element = h(
      'main',
      { class: 'chat', 'data-chat': conversation.id },
      h('header', { class: 'bar' }, back, this.#avatar, names, this.#membersButton),
      this.#list.element,
      this.#composer.element,
    );
  }

  shows(conversation: Conversation): boolean {
    return conversation === this.#conversation;
  }

  /** Once it stands in the page. */
  focus(): void {
    // On a phone the keyboard would jump up over what somebody came to read.
    if (matchMedia('(hover: hover)').matches) this.#composer.focus();
  }

  update(now: number): void {
    const title = titleOf(this.#conversation, this.#session.me);
    const isGroup = this.#conversation.kind === 'group';
    if (title !== this.#shownTitle) {
      this.#shownTitle = title;
      this.#title.textContent = title;
      this.#avatar.replaceChildren(avatarView(title, isGroup ? 'group' : 'user'));
    }
    const { role } = this.#conversation;
    this.#membersButton.hidden = !isGroup || role === null;
    if (role !== this.#shownRole) {
      this.#shownRole = role;
      void this.membersChanged();
    }
    this.#list.update(now);
    this.#composer.update();
  }

  async membersChanged(): Promise<void> {
    if (this.#conversation.kind === 'direct') {
      this.#subtitle.textContent = 'Direct messages';
      return;
    }
    // Only members are told who the members are.
    if (this.#conversation.role === null) {
      this.#subtitle.textContent = '';
      return;
    }
    if (this.#panel?.isOpen) void this.#panel.refresh();
    const reply = await this.#session.api.members(this.id);
    if (!reply.ok || reply.data === null) return;
    const users = reply.data.members.map(({ user }) => (user === this.#session.me ? 'you' : user));
    const rest = users.length - NAMES_MAX;
    this.#subtitle.textContent = users.slice(0, NAMES_MAX).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
  }
}
