// Pictures as SVG text, made by hand: they are small, differ line by line under version control, and GitHub shows them.
// One look for all: a title, what is counted, and beneath, where it comes from.

export const WIDTH = 760;
const MARGIN = 24;
const HEAD = 70;
const FOOT = 46;
export const BLUE = '#2563a8';
const INK = '#1f2937';
const FAINT = '#6b7280';

export interface Words {
  readonly title: string;
  /** What is counted, with its unit. */
  readonly subtitle: string;
  /** Source and conditions. */
  readonly source: string;
}

/** `body` is drawn in a space of `height`, its origin below the head. */
export function picture({ title, subtitle, source }: Words, height: number, body: readonly string[]): string {
  const whole = HEAD + height + FOOT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${whole}" viewBox="0 0 ${WIDTH} ${whole}" font-family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${whole}" fill="#ffffff"/>`,
    text(MARGIN, 32, title, { size: 18, weight: 600 }),
    text(MARGIN, 52, subtitle, { fill: FAINT }),
    `<g transform="translate(0 ${HEAD})">`,
    ...body,
    '</g>',
    text(MARGIN, whole - 16, source, { size: 11, fill: FAINT }),
    '</svg>\n',
  ].join('\n');
}

interface TextStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
}

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 12, weight = 400, fill = INK, anchor = 'start' } = style;
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

/** `hint` is shown where the mouse rests. */
export function bar(x: number, y: number, width: number, height: number, fill: string, hint: string): string {
  const box = `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
  return `<rect ${box} fill="${fill}"><title>${escaped(hint)}</title></rect>`;
}

export function rule(x1: number, x2: number, y: number): string {
  return `<line x1="${round(x1)}" x2="${round(x2)}" y1="${round(y)}" y2="${round(y)}" stroke="#e5e7eb"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** XML takes no control characters, however they are written. */
function escaped(content: string): string {
  const plain = content.replaceAll(/\p{Cc}/gu, ' ');
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
