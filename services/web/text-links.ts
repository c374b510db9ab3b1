// Finds the addresses in what somebody wrote. Only http and https, so a link can never run anything here; and only what
// goes where it seems to go.

export interface TextPart {
  readonly text: string;
  /** Null for what is no link. */
  readonly href: string | null;
}

// Ends at white space, quotes and brackets of any script, and at marks that would turn the reading direction round.
const ADDRESS = /\bhttps?:\/\/[^\s<>"“”«»「」『』（）【】《》、。，；！？\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gi;
const PUNCTUATION = new Set(".,;:!?…'’‘*_~|");
const OPENING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** The whole text, in parts. */
export function textParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = withoutPunctuation(found);
    const href = hrefOf(address);
    if (href === null) continue;
    if (index > end) parts.push({ text: text.slice(end, index), href: null });
    parts.push({ text: address, href });
    end = index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), href: null });
  return parts;
}

// What closes a sentence is not part of the address in it; nor is a bracket that was opened before it.
function withoutPunctuation(address: string): string {
  const counts = new Map<string, number>();
  for (const character of address) counts.set(character, (counts.get(character) ?? 0) + 1);
  const count = (character: string) => counts.get(character) ?? 0;
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1]!;
    const opening = OPENING[last];
    const isOutside = opening === undefined ? PUNCTUATION.has(last) : count(last) > count(opening);
    if (!isOutside) break;
    counts.set(last, count(last) - 1);
  }
  return address.slice(0, end);
}

function hrefOf(address: string): string | null {
  try {
    const { href, username, password } = new URL(address);
    // https://bank.example@evil.example goes to the second.
    return username === '' && password === '' ? href : null;
  } catch {
    return null;
  }
}
