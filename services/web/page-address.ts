// Which conversation is open stands in the address, so that the browser's back button and a reload work.

/** Opens the sign-in form even where somebody is signed in. */
export const NEW_ACCOUNT_HASH = '#sign-in';

export function addressOf(conversationId: string): string {
  return `#/${encodeURIComponent(conversationId)}`;
}

export function conversationOf(hash: string): string | null {
  if (!hash.startsWith('#/') || hash.length < 3) return null;
  try {
    return decodeURIComponent(hash.slice(2));
  } catch {
    return null;
  }
}
