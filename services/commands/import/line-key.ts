// Ties a step of the import to the event that the file says must come of it: the line, and which of its at most three
// effects it is. A number, because there is one for every event.

export const CREATED_KEY = 0;

export type LinePart = 'message' | 'removed' | 'added';
const PARTS: readonly LinePart[] = ['message', 'removed', 'added'];

export function lineKey(lineNumber: number, part: LinePart): number {
  return lineNumber * PARTS.length + PARTS.indexOf(part);
}
