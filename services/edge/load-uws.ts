// The one place that loads uWebSockets.js, a native addon that exists for some machines only.
import type * as Uws from 'uWebSockets.js';

/** With the constants that its types forget. */
export type UwsModule = typeof Uws & { readonly DISABLED: number; readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number };

/** @throws Error that says what is wanted. */
export async function loadUws(): Promise<UwsModule> {
  try {
    return (await import('uWebSockets.js')) as UwsModule;
  } catch (error) {
    throw new Error(
      `uWebSockets.js did not load on Node ${process.version}, ${process.platform} ${process.arch}. ` +
        'It wants Node 18, 20, 21 or 22 on macOS, Windows or a Linux with glibc 2.27 or newer (not musl), x64 or arm64.',
      { cause: error },
    );
  }
}
