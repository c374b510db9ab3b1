// The three kinds of picture that the recipes need. Where nothing is above zero, there is no scale: they say so in words.
import { BLUE, bar, picture, rule, text, WIDTH, type Words } from './svg.ts';

export interface Value {
  readonly name: string;
  readonly value: number;
  /** Beside the bar. */
  readonly label: string;
}

const LEFT = 24;
const RIGHT = WIDTH - 24;
/** What fits beside the bars. */
const NAME_LENGTH_MAX = 28;

/** Names on the left, one row each. */
export function barChart(words: Words, values: readonly Value[]): string {
  const [row, names, labels] = [24, 190, 190];
  const greatest = greatestOf(values.map(({ value }) => value));
  if (greatest === 0) return nothingToShow(words);
  const body = values.flatMap(({ name, value, label }, i) => {
    const width = Math.max(1, ((RIGHT - LEFT - names - labels) * value) / greatest);
    const y = i * row;
    return [
      text(LEFT + names - 10, y + 16, shortened(name), { anchor: 'end' }),
      bar(LEFT + names, y + 4, width, row - 8, BLUE, `${name}: ${label}`),
      text(LEFT + names + width + 8, y + 16, label),
    ];
  });
  return picture(words, values.length * row, body);
}

/** Columns from left to right, over a scale from 0. */
export function columnChart(words: Words, values: readonly Value[], axis: string, unit: string): string {
  const [height, scale] = [220, 44];
  const greatest = greatestOf(values.map(({ value }) => value));
  if (greatest === 0) return nothingToShow(words);
  const { step, top } = ticksTo(greatest);
  const yOf = (value: number) => height - (height * value) / top;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
  const column = (RIGHT - LEFT - scale) / values.length;
  const body = ticks.flatMap((tick) => [
    rule(LEFT + scale, RIGHT, yOf(tick)),
    text(LEFT + scale - 8, yOf(tick) + 4, `${tick}${unit}`, { anchor: 'end', size: 11 }),
  ]);
  for (const [i, { name, value, label }] of values.entries()) {
    const x = LEFT + scale + i * column;
    const width = Math.min(column * 0.76, 56);
    body.push(bar(x + (column - width) / 2, yOf(value), width, height - yOf(value), BLUE, `${name}: ${label}`));
    body.push(text(x + column / 2, height + 16, name, { anchor: 'middle', size: 11 }));
    if (label !== '' && values.length <= 12) {
      body.push(text(x + column / 2, yOf(value) - 5, label, { anchor: 'middle', size: 11 }));
    }
  }
  body.push(text((LEFT + scale + RIGHT) / 2, height + 38, axis, { anchor: 'middle', size: 11 }));
  return picture(words, height + 44, body);
}

/** The scale's steps are 1, 2 or 5 times a power of ten, and about five of them reach over the greatest value. */
function ticksTo(greatest: number): { readonly step: number; readonly top: number } {
  const rough = greatest / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough)!;
  return { step, top: Math.ceil(greatest / step) * step };
}

/** A square for each (row, column); null where nothing was counted. */
export function heatMap(
  words: Words,
  rows: readonly string[],
  columns: readonly string[],
  values: readonly (readonly (number | null)[])[],
): string {
  const [height, names] = [30, 40];
  const width = (RIGHT - LEFT - names) / columns.length;
  const greatest = greatestOf(values.flat().map((value) => value ?? 0));
  if (greatest === 0) return nothingToShow(words);
  const body = columns.map((name, i) =>
    text(LEFT + names + (i + 0.5) * width, 10, name, { anchor: 'middle', size: 11 }),
  );
  for (const [r, row] of values.entries()) {
    const y = 18 + r * height;
    body.push(text(LEFT + names - 8, y + height / 2 + 4, rows[r]!, { anchor: 'end' }));
    for (const [c, value] of row.entries()) {
      const x = LEFT + names + c * width;
      const share = value === null ? 0 : value / greatest;
      const fill = value === null ? '#f3f4f6' : shade(share);
      const said = value === null ? 'nothing' : String(Math.round(value));
      body.push(bar(x + 1, y + 1, width - 2, height - 2, fill, `${rows[r]} ${columns[c]} h: ${said}`));
      if (value === null) continue;
      const ink = share > 0.5 ? '#ffffff' : '#1f2937';
      body.push(text(x + width / 2, y + height / 2 + 4, said, { anchor: 'middle', size: 10, fill: ink }));
    }
  }
  return picture(words, 18 + rows.length * height, body);
}

function nothingToShow(words: Words): string {
  return picture(words, 24, [text(LEFT, 16, 'Nothing to show.')]);
}

function greatestOf(values: readonly number[]): number {
  return Math.max(0, ...values.filter(Number.isFinite));
}

/** The end is kept, too: it tells apart what begins alike. */
function shortened(name: string): string {
  const letters = [...name];
  if (letters.length <= NAME_LENGTH_MAX) return name;
  return `${letters.slice(0, NAME_LENGTH_MAX - 11).join('')}…${letters.slice(-10).join('')}`;
}

/** From nearly white to the blue of the other charts. */
function shade(share: number): string {
  const mix = (low: number, high: number) => Math.round(low + (high - low) * share);
  return `rgb(${mix(235, 24)} ${mix(243, 84)} ${mix(252, 150)})`;
}
