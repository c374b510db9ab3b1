// What a run came to, in words.
import type { TapResult } from './run-tap.ts';

export function summaryText({ written, total, out, time_s }: TapResult): string {
  const lines = [
    row('events', count(written.events), ''),
    row('conversations', count(written.conversations), 'that began in them'),
    row('repeats', count(written.repeats), 'left out: they stood on the topic twice'),
    row('files', count(written.files), `${size(written.bytes)} in ${out}`),
    row('time', `${time_s.toFixed(1)} s`, ''),
  ];
  if (total.files !== written.files) {
    lines.push(
      row('in the folder', count(total.events), `events in ${count(total.files)} files, ${size(total.bytes)}`),
    );
  }
  return `${lines.join('\n')}\n`;
}

function row(name: string, value: string, note: string): string {
  return `${name.padEnd(14)}${value.padStart(12)}   ${note}`.trimEnd();
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
