// The tables of results.md. Titles and names in them are what users wrote.

/** null where there is nothing to divide by. */
export type Cell = string | number | null;
export type Row = Readonly<Record<string, Cell>>;

/** A heading, the picture of that name, and the rows. */
export function section(title: string, name: string, rows: readonly Row[], note = ''): string {
  return [`## ${title}${note}`, '', `![${title}](${name}.svg)`, '', ...tableOf(rows), ''].join('\n');
}

function tableOf(rows: readonly Row[]): readonly string[] {
  const heads = Object.keys(rows[0] ?? {});
  if (heads.length === 0) return ['Nothing to show.'];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(heads.map((head) => head.replaceAll('_', ' '))),
    line(heads.map(() => '---')),
    ...rows.map((row) => line(heads.map((head) => textOf(row[head]!)))),
  ];
}

function textOf(cell: Cell): string {
  if (cell === null) return '–';
  if (typeof cell === 'number') return Number.isInteger(cell) ? String(cell) : cell.toFixed(2);
  return cell.replaceAll('|', '\\|').replaceAll(/\p{Cc}/gu, ' ');
}

export function count(value: Cell | undefined): string {
  return Math.round(Number(value)).toLocaleString('en-US');
}

export function percent(value: Cell | undefined): string {
  const number = Number(value);
  return `${number < 1 ? number.toFixed(2) : number.toFixed(1)} %`;
}
