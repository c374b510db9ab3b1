// Read positions in localStorage: every tab of a user sees what was read in another.
import { mergePositions, parsePositions, type ReadPositions, withRead } from './unread.ts';

export class StoredPositions {
  readonly #key: string;
  readonly #onStorage: (event: StorageEvent) => void;
  #positions: ReadPositions;

  /** `changed`: another tab read something. */
  constructor(user: string, changed: () => void) {
    this.#key = `fanlog/read/${user}`;
    this.#positions = parsePositions(localStorage.getItem(this.#key));
    this.#onStorage = ({ key, newValue }) => {
      if (key !== this.#key) return;
      this.#positions = mergePositions(this.#positions, parsePositions(newValue));
      changed();
    };
    window.addEventListener('storage', this.#onStorage);
  }

  get all(): ReadPositions {
    return this.#positions;
  }

  /** Returns whether that was news. */
  read(conversationId: string, ordinal: number): boolean {
    const next = withRead(this.#positions, conversationId, ordinal);
    if (next === this.#positions) return false;
    // Another tab may have written since.
    this.#positions = mergePositions(parsePositions(localStorage.getItem(this.#key)), next);
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#positions));
    } catch {
      // A full storage costs no more than a dot too many after a reload.
    }
    return true;
  }

  close(): void {
    window.removeEventListener('storage', this.#onStorage);
  }
}
