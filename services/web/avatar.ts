// A colour and two letters for a name, always the same ones.

/** A hue in degrees. */
export function hueOf(name: string): number {
  let hash = 2166136261;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0)!, 16777619);
  // Twelve steps: neighbours on a finer scale cannot be told apart.
  return ((hash >>> 0) % 12) * 30;
}

/** "AL" for alice, "BW" for "Book worms". Whole characters, so that an emoji stays one. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/).filter((word) => word !== '');
  const first = [...(words[0] ?? '?')];
  const second = words.length > 1 ? [...words[1]!][0] : first[1];
  return `${first[0] ?? '?'}${second ?? ''}`.toUpperCase();
}
