// Every tab is a device of its own, also after a reload. A duplicated tab starts with a copy of the other's storage: a
// lock tells that the name is taken, and it takes a new one.
import { browserRuntime } from '../client/browser.ts';

// The page before a reload gives its lock back when it is gone, which may be a moment later.
const LOCK_MS_MAX = 500;

/** This tab's device name for this user. */
export async function claimDevice(user: string): Promise<string> {
  const key = `fanlog/device/${user}`;
  const known = sessionStorage.getItem(key);
  const device = known !== null && (await lock(known)) ? known : newDevice();
  if (device !== known) void lock(device);
  sessionStorage.setItem(key, device);
  return device;
}

/** When the server says that another connection has this name. */
export function forgetDevice(user: string): void {
  sessionStorage.removeItem(`fanlog/device/${user}`);
}

function newDevice(): string {
  const digits = Array.from(browserRuntime.randomBytes(8), (byte) => byte.toString(16).padStart(2, '0'));
  return `tab-${digits.join('')}`;
}

// Held until the page is gone. Without locks (a page over plain http) the name is taken on trust.
const held = new Set<string>();
function lock(device: string): Promise<boolean> {
  if (held.has(device) || navigator.locks === undefined) return Promise.resolve(true);
  const abort = new AbortController();
  const timer = browserRuntime.setTimer(LOCK_MS_MAX, () => abort.abort());
  return new Promise((resolve) => {
    navigator.locks
      .request(`fanlog/${device}`, { signal: abort.signal }, () => {
        timer.cancel();
        held.add(device);
        resolve(true);
        return new Promise<never>(() => {});
      })
      .catch(() => resolve(false));
  });
}
