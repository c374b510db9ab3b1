// What a rebuild came to, for people and for programs.
import type { Verdict } from '../../replay/compare/comparison.ts';
import type { ReplayReport } from '../../replay/replay.ts';

const VERDICTS: readonly [Verdict, string][] = [
  ['equal', 'equal'],
  ['moving', 'equal, compared while they changed'],
  ['reordered', 'same entries, another order'],
  ['behind', 'equal as far as the live tables go'],
  ['different', 'different'],
];

export interface Cost {
  readonly cpu_s: number;
}

export function reportText(report: ReplayReport, { cpu_s }: Cost): string {
  const { rows, records, rebuild_ms, compare_ms, compared, differences, switched } = report;
  const seconds = rebuild_ms / 1_000;
  const all = rows.timeline + rows.inbox + rows.memberships;
  const lines = [
    `Rebuilt from ${report.from}${report.isResumed ? ', going on with an interrupted run' : ''}: set ${report.tables}`,
    ...table([
      ['records read', number(records), ''],
      ['events', number(rows.timeline), ''],
      ['inbox rows', number(rows.inbox), seconds > 0 ? `${number(rows.inbox / seconds)}/s` : ''],
      ['memberships', number(rows.memberships), ''],
      [
        'time',
        `${seconds.toFixed(1)} s`,
        `${cpu_s.toFixed(1)} s of CPU here: ${number(all / Math.max(cpu_s, 0.01))} rows per second and core`,
      ],
    ]),
    '',
    `Compared with the live tables, row for row: ${number(compared.rows)} rows in ${(compare_ms / 1_000).toFixed(1)} s`,
    ...table([
      ['', 'users', 'conversations'],
      ...VERDICTS.filter(
        ([verdict]) => verdict === 'equal' || compared.users[verdict] + compared.conversations[verdict] > 0,
      ).map(([verdict, text]) => [text, number(compared.users[verdict]), number(compared.conversations[verdict])]),
    ]),
  ];
  if (differences.count > 0) {
    const shown = differences.sentences.length;
    lines.push(
      '',
      `${number(differences.count)} differences${differences.count > shown ? `, the first ${shown}` : ''}:`,
    );
    for (const sentence of differences.sentences) lines.push(`  ${sentence}`);
  }
  if (compared.users.behind + compared.conversations.behind > 0)
    lines.push('', 'The live tables are behind the log: do fanout and inbox run?');
  lines.push('', switched === null ? 'Nothing was put in force.' : switchText(report.tables, switched));
  return `${lines.join('\n')}\n`;
}

export function reportJson(report: ReplayReport, { cpu_s }: Cost): string {
  const { compared, differences, ...rest } = report;
  const { moving: _, ...tables } = compared;
  return `${JSON.stringify({ ...rest, cpu_s, compared: tables, differences: differences.count, firstDifferences: differences.sentences })}\n`;
}

function switchText(tables: number, { epoch, epochBefore }: { readonly epoch: number; readonly epochBefore: number }) {
  const clients =
    epoch === epochBefore
      ? `the epoch stays ${epoch}, clients notice nothing`
      : `the epoch rose from ${epochBefore} to ${epoch}, clients pull anew`;
  return `Set ${tables} is in force: every process goes over within seconds; ${clients}.`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map(([name, value, more]) =>
    `  ${name!.padEnd(widths[0]!)}  ${value!.padStart(widths[1]!)}  ${more}`.trimEnd(),
  );
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
