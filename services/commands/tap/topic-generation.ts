// Which generation of `timeline` an export is of. Offsets of two topics have nothing to do with each other, so an export
// that was begun keeps to its topic for as long as it is there; a new one takes the newest.

export interface GenerationChoice {
  readonly generation: number;
  /** The greatest that is there. */
  readonly newest: number;
}

/** `stem`: the topic's name without its number; `begun`: the topic of an export that goes on. null: there is none. */
export function chooseGeneration(
  topics: ReadonlySet<string>,
  stem: string,
  begun: string | null,
): GenerationChoice | null {
  const newest = Math.max(0, ...[...topics].map((topic) => generationIn(topic, stem)));
  if (newest === 0) return null;
  const kept = begun !== null && topics.has(begun) ? generationIn(begun, stem) : 0;
  return { generation: kept === 0 ? newest : kept, newest };
}

function generationIn(topic: string, stem: string): number {
  const rest = topic.startsWith(stem) ? topic.slice(stem.length) : '';
  return /^[1-9][0-9]{0,3}$/.test(rest) ? Number(rest) : 0;
}
