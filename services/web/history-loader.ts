// Loads older messages, one request a conversation at a time, and the last event of conversations that have none yet.
import { browserRuntime, type EventBody, type HttpApi, type PageStatus } from '../client/browser.ts';
import type { ConversationBook } from './conversation-book.ts';

export interface HistoryPort {
  /** The book in force: it is replaced when the inbox is renumbered. */
  book(): ConversationBook;
  changed(): void;
  refused(status: number): void;
}

type Page = { readonly events: readonly EventBody[]; readonly status: PageStatus };

const PAGE_EVENTS = 50;
/** Lines of the list that get their text at once; a screen shows fewer. */
const PREVIEWS_MAX = 40;
const PREVIEWS_AT_ONCE = 4;
/** Before asking again for an event that is not readable yet. */
const WAIT_MS = 1_000;

export class HistoryLoader {
  readonly #api: HttpApi;
  readonly #port: HistoryPort;
  readonly #loading = new Set<string>();
  /** Could not be loaded; asked again when the connection is back. */
  readonly #failed = new Set<string>();

  constructor(api: HttpApi, port: HistoryPort) {
    this.#api = api;
    this.#port = port;
  }

  isLoading(id: string): boolean {
    return this.#loading.has(id);
  }

  hasFailed(id: string): boolean {
    return this.#failed.has(id);
  }

  /** Whether there is something to load before what is shown. */
  hasOlder(id: string): boolean {
    const conversation = this.#port.book().get(id);
    if (conversation === undefined) return false;
    const before = conversation.log.olderBefore;
    return before === undefined ? conversation.seq > 0 : before !== null;
  }

  async loadOlder(id: string): Promise<void> {
    if (this.#loading.has(id) || this.#failed.has(id) || !this.hasOlder(id)) return;
    const before = this.#port.book().open(id).log.olderBefore ?? undefined;
    await this.#load(id, before, PAGE_EVENTS);
  }

  /** Tries again what failed. */
  retry(): void {
    const ids = [...this.#failed];
    this.#failed.clear();
    for (const id of ids) void this.loadOlder(id);
  }

  loadPreviews(): void {
    const queue = this.#port
      .book()
      .list()
      .filter(({ seq, log }) => seq > 0 && log.last === undefined)
      .slice(0, PREVIEWS_MAX)
      .map(({ id }) => id);
    const work = async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        const isKnownByNow = this.#port.book().open(id).log.last !== undefined;
        if (!isKnownByNow && !this.#loading.has(id)) await this.#load(id, undefined, 1);
      }
    };
    for (let i = 0; i < PREVIEWS_AT_ONCE; i++) void work();
  }

  async #load(id: string, before: number | undefined, limit: number): Promise<void> {
    const book = this.#port.book();
    this.#loading.add(id);
    this.#port.changed();
    const reply = await this.#api.history(id, { ...(before === undefined ? {} : { before }), limit });
    this.#loading.delete(id);
    if (reply.ok && reply.data !== null) this.#onPage(book, id, before, reply.data);
    else {
      this.#failed.add(id);
      this.#port.refused(reply.status);
    }
    this.#port.changed();
  }

  #onPage(book: ConversationBook, id: string, before: number | undefined, { events, status }: Page): void {
    if (book === this.#port.book()) book.addPage(id, events, before, status);
    if (status !== 'wait' || events.length > 0) return;
    this.#failed.add(id);
    browserRuntime.setTimer(WAIT_MS, () => {
      this.#failed.delete(id);
      this.#port.changed();
    });
  }
}
