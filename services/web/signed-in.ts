// Who is signed in. A tab has its own session (sessionStorage), so that two users can be tried side by side in one
// browser; the last one is offered to new tabs (localStorage).

export interface SignedIn {
  readonly user: string;
  readonly token: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly expiresAt: number;
}

const KEY = 'fanlog/session';
const NOBODY = 'nobody';

/** `isNewAccountWanted`: the tab was opened to sign in as somebody else. */
export function loadSignedIn(isNewAccountWanted: boolean, now: number): SignedIn | null {
  const own = sessionStorage.getItem(KEY);
  if (own === NOBODY) return null;
  const session = parse(own) ?? (isNewAccountWanted ? null : parse(localStorage.getItem(KEY)));
  if (session === null || session.expiresAt <= now) return null;
  saveSignedIn(session);
  return session;
}

export function saveSignedIn(session: SignedIn): void {
  const text = JSON.stringify(session);
  sessionStorage.setItem(KEY, text);
  localStorage.setItem(KEY, text);
}

/** This tab only; other tabs of the same user stay signed in. */
export function forgetSignedIn({ user }: SignedIn): void {
  sessionStorage.setItem(KEY, NOBODY);
  if (parse(localStorage.getItem(KEY))?.user === user) localStorage.removeItem(KEY);
}

function parse(text: string | null): SignedIn | null {
  if (text === null) return null;
  try {
    const { user, token, expiresAt } = JSON.parse(text) as SignedIn;
    const isWhole = typeof user === 'string' && typeof token === 'string' && Number.isSafeInteger(expiresAt);
    return isWhole ? { user, token, expiresAt } : null;
  } catch {
    return null;
  }
}
