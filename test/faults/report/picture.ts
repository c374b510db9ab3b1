// Deliveries per second over time, a row a scenario, the faults marked: one SVG for a README, on a light background.
//
//   kill-roles   ▁▃▅▅|▁▁▇▅▅▅|▁▇▅▅      grey: how many arrived in each second
//   redis        ▅▅▅▅▅|▃▅▅▅▅▅▅▅      coloured: from the injection of a fault to its healing
import type { FaultKind } from '../scenario.ts';
import type { ScenarioResult } from '../scenario-result.ts';

const WIDTH = 1_000;
const MARGIN = { top: 64, right: 20, bottom: 44 };
const LABEL_WIDTH = 190;
const ROW_HEIGHT = 74;
const ROW_GAP = 16;
const PLOT_WIDTH = WIDTH - LABEL_WIDTH - MARGIN.right;
/** Shorter ones could not be seen. */
const FAULT_WIDTH_MIN = 2;
const TICKS_S = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600];
const TICKS_MAX = 10;

const COLOURS: Readonly<Record<FaultKind, string>> = { worker: '#d1495b', leader: '#7b4fa3', other: '#d98e04' };
const KINDS: Readonly<Record<FaultKind, string>> = {
  worker: 'a worker ends',
  leader: 'a leader ends',
  other: 'other faults',
};

export function pictureOf(all: readonly ScenarioResult[]): string {
  const results = all.filter(({ notRun }) => notRun === null);
  const length_s = Math.max(1, ...results.map(({ deliveries, loaded_s }) => Math.max(deliveries.length, loaded_s)));
  const height = MARGIN.top + results.length * (ROW_HEIGHT + ROW_GAP) + MARGIN.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="14" fill="#222">`,
    '<title>Deliveries per second, and the faults meanwhile</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="20" y="28" font-size="18" font-weight="600">Deliveries per second, and the faults meanwhile</text>`,
    ...legend(),
    ...results.flatMap((result, row) => drawRow(result, MARGIN.top + row * (ROW_HEIGHT + ROW_GAP), length_s)),
    ...timeAxis(length_s, height - MARGIN.bottom),
    '</svg>',
    '',
  ].join('\n');
}

function legend(): string[] {
  return (Object.keys(KINDS) as FaultKind[]).flatMap((kind, index) => {
    const x = LABEL_WIDTH + index * 190;
    return [
      `<rect x="${x}" y="40" width="14" height="12" fill="${COLOURS[kind]}" fill-opacity="0.45"/>`,
      `<text x="${x + 20}" y="51">${KINDS[kind]}</text>`,
    ];
  });
}

function drawRow({ name, deliveries, faults }: ScenarioResult, top: number, length_s: number): string[] {
  const most = Math.max(1, ...deliveries);
  const bottom = top + ROW_HEIGHT;
  const x = (time_s: number) => round(LABEL_WIDTH + (time_s / length_s) * PLOT_WIDTH);
  const y = (count: number) => round(bottom - (count / most) * ROW_HEIGHT);
  const marks = faults.map(({ label, kind, from_s, until_s }) => {
    const width = round(Math.max(FAULT_WIDTH_MIN, x(until_s) - x(from_s)));
    const place = `x="${x(from_s)}" y="${top}" width="${width}" height="${ROW_HEIGHT}"`;
    return `<rect ${place} fill="${COLOURS[kind]}" fill-opacity="0.45"><title>${escaped(label)}</title></rect>`;
  });
  const steps = deliveries.map((count, second) => `L${x(second)} ${y(count)}L${x(second + 1)} ${y(count)}`);
  const end = x(deliveries.length);
  return [
    `<text x="20" y="${top + 22}" font-weight="600">${escaped(name)}</text>`,
    `<text x="20" y="${top + 42}" font-size="13" fill="#555">up to ${most.toLocaleString('en')}/s</text>`,
    `<path d="M${x(0)} ${bottom}${steps.join('')}L${end} ${bottom}Z" fill="#7d93a8" fill-opacity="0.75"/>`,
    ...marks,
    `<path d="M${x(0)} ${bottom}H${LABEL_WIDTH + PLOT_WIDTH}" stroke="#999"/>`,
  ];
}

function timeAxis(length_s: number, y: number): string[] {
  const step_s = TICKS_S.find((step) => length_s / step <= TICKS_MAX) ?? TICKS_S.at(-1)!;
  const ticks = Array.from({ length: Math.floor(length_s / step_s) + 1 }, (_, index) => index * step_s);
  return ticks.map((time_s) => {
    const x = round(LABEL_WIDTH + (time_s / length_s) * PLOT_WIDTH);
    return `<text x="${x}" y="${y + 12}" text-anchor="middle" fill="#555">${time_s} s</text>`;
  });
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
