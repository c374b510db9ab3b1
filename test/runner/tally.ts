// What a stage, a file or the whole run came to.
export type Tally = { passed: number; failed: number };

/** "0.4 s", "75.0 s". */
export function formatDuration(duration_ms: number): string {
  return `${(duration_ms / 1000).toFixed(1)} s`;
}

/** Every line two levels in, so that a stage's heading stands out from what it reports. */
export function indent(text: string): string {
  return text.trimEnd().replace(/^(?=.)/gm, '    ');
}
