// Tells when the connection is not there, and counts down to the next attempt.
import { browserRuntime } from '../client/browser.ts';
import type { Timer } from '../kernel/runtime.ts';
import type { ChatSession } from './chat-session.ts';
import { connectionText } from './connection-text.ts';
import { h } from './dom.ts';

const COUNTDOWN_STEP_MS = 250;

export class BannerView {
  readonly element: HTMLElement;
  readonly #session: ChatSession;
  readonly #text = h('span');
  readonly #retry: HTMLButtonElement;
  #timer: Timer | null = null;

  constructor(session: ChatSession) {
    this.#session = session;
    this.#retry = h('button', { class: 'link', type: 'button', onclick: () => session.reconnect() }, 'Try now');
    this.element = h('div', { class: 'banner', role: 'status' }, this.#text, this.#retry);
  }

  update(): void {
    const { state, retryIn_ms } = this.#session;
    const told = connectionText(state, retryIn_ms);
    this.element.hidden = told === null;
    this.element.dataset.state = state;
    document.documentElement.dataset.connection = state;
    if (told === null) return;
    if (this.#text.textContent !== told.text) this.#text.textContent = told.text;
    this.#retry.hidden = !told.canRetry;
    if (state !== 'waiting' || this.#timer !== null) return;
    this.#timer = browserRuntime.setTimer(COUNTDOWN_STEP_MS, () => {
      this.#timer = null;
      this.update();
    });
  }
}
