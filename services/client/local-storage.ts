// Keeps a client's outbox and cursor in a browser's localStorage, under a key per device (a tab is a device).
import type { ClientStorage, Saved } from './client-storage.ts';

export type KeyValueStorage = Pick<Storage, 'getItem' | 'setItem'>;

/** `device`: the same name as the client's. What cannot be read counts as nothing: it is a cache of unsent messages. */
export function localStorageOf(device: string, storage: KeyValueStorage = globalThis.localStorage): ClientStorage {
  const key = `fanlog/${device}`;
  return {
    load: () => Promise.resolve(parse(storage.getItem(key))),
    save: (saved) => storage.setItem(key, JSON.stringify(saved)),
  };
}

function parse(text: string | null): Saved | null {
  if (text === null) return null;
  try {
    const saved = JSON.parse(text) as Saved;
    return saved !== null && saved.version === 1 && Array.isArray(saved.outbox) ? saved : null;
  } catch {
    return null;
  }
}
