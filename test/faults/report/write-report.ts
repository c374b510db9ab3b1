// The three files of a report: faults.md for people, faults.json for machines, faults.svg for a README.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FaultReport, rowOf, totalOf } from './fault-report.ts';
import { markdownOf } from './markdown.ts';
import { pictureOf } from './picture.ts';

const PICTURE = 'faults.svg';

export function writeReport(folder: string, report: FaultReport): void {
  writeFileSync(join(folder, 'faults.md'), markdownOf(report, PICTURE));
  writeFileSync(join(folder, 'faults.json'), jsonOf(report));
  writeFileSync(join(folder, PICTURE), pictureOf(report.results));
}

/** What never came is null in it. */
function jsonOf(report: FaultReport): string {
  const rows = { rows: report.results.map(rowOf), total: totalOf(report.results) };
  return `${JSON.stringify({ ...report, ...rows }, null, 2)}\n`;
}
