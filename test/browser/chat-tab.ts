// One tab of the page, and what a person does and sees there.
import assert from 'node:assert/strict';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/** What a browser writes by itself when a server is not there. */
const FAILED_ATTEMPT = /ERR_CONNECTION_(REFUSED|RESET|CLOSED)|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED/;
const DESKTOP = { width: 1200, height: 780 };

export class ChatTab {
  readonly page: Page;
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => this.errors.push(error.stack ?? error.message));
    page.on('console', (message) => {
      if (message.type() !== 'error' || FAILED_ATTEMPT.test(message.text())) return;
      this.errors.push(`${message.text()} (${message.location().url})`);
    });
  }

  /** A tab in a profile of its own. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<ChatTab> {
    return ChatTab.openIn(await browser.newContext({ viewport: DESKTOP, ...options }), url);
  }

  /** Another tab of the same profile. */
  static async openIn(context: BrowserContext, url: string): Promise<ChatTab> {
    const tab = new ChatTab(await context.newPage());
    await tab.page.goto(url);
    return tab;
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  async signInAsDemo(user: 'alice' | 'bob'): Promise<void> {
    await this.page.click(`[data-demo=${user}]`);
    await this.live();
  }

  async signIn(user: string, password = user + user): Promise<void> {
    await this.page.fill('[name=user]', user);
    await this.page.fill('[name=password]', password);
    await this.page.click('button[type=submit]');
    await this.live();
  }

  async live(): Promise<void> {
    await this.page.waitForSelector('html[data-connection=live]', { state: 'attached', timeout: 60_000 });
  }

  async choose(title: string): Promise<void> {
    await this.page.locator('.conversation', { has: this.page.getByText(title, { exact: true }) }).click();
    await this.page.locator('.chat h2', { hasText: title }).waitFor();
  }

  async write(...texts: readonly string[]): Promise<void> {
    for (const text of texts) {
      await this.page.fill('[name=message]', text);
      await this.page.press('[name=message]', 'Enter');
    }
  }

  /** Texts of the messages, top to bottom. */
  texts(): Promise<string[]> {
    return this.page.locator('.message .text').allTextContents();
  }

  /** Resolves when these are the last messages, all of them decided; fails with what is there instead. */
  async shows(expected: readonly string[]): Promise<void> {
    const isThere = (wanted: readonly string[]) => {
      const messages = [...document.querySelectorAll('.message')];
      const texts = messages.map((message) => message.querySelector('.text')?.textContent);
      const isUndecided = document.querySelector('.message[data-state]:not([data-state=sequenced])') !== null;
      return !isUndecided && wanted.every((text, index) => texts.at(index - wanted.length) === text);
    };
    await this.page.waitForFunction(isThere, expected, { timeout: 60_000 }).catch(async () => {
      assert.deepEqual((await this.texts()).slice(-expected.length - 5), expected);
    });
  }

  assertNoErrors(): void {
    assert.deepEqual(this.errors, []);
  }
}
