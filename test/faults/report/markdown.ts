// The report for people: one table, the definitions of its columns, what missed a goal, and what was wrong, in words.

import { LATE_MS, QUIET_MS } from '../measure-back.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { type FaultReport, isClean, type Row, rowOf, totalOf } from './fault-report.ts';
import { DELIVERY_BACK_MS_MAX, SENDS_BACK_MS_MAX } from './goals.ts';
import type { Quantiles } from './quantiles.ts';

const HEAD = [
  ...['scenario', 'faults', 'sent', 'acknowledged', 'lost', 'repeated', 'out of order', 'renumbered', 'other'],
  ...['longest fault', 'delivery back p50', 'p99', 'longest', 'sends back p50', 'p99', 'longest'],
];

/** Columns of the same width, so that it can be read as text too. */
export function tableOf({ results }: FaultReport): string {
  const rows = results.map((result) => cellsOf(rowOf(result)));
  if (results.length > 1) rows.push(cellsOf(totalOf(results)));
  const widths = HEAD.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    );
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(HEAD), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** @param picture the file name of the picture, beside the text */
export function markdownOf(report: FaultReport, picture: string): string {
  const titles = report.results.map(({ name, title, notRun }) => {
    return `- \`${name}\`: ${title}${notRun === null ? '' : `; not run: ${notRun}`}`;
  });
  const violations = report.results.flatMap(({ name, violations }) =>
    violations.map((text) => `- \`${name}\`: ${text}`),
  );
  return [
    '# The fault ledger',
    '',
    ...introduction(report),
    '',
    tableOf(report),
    '',
    verdictOf(report),
    '',
    `![Deliveries per second over time, a row a scenario, the faults marked](${picture})`,
    '',
    ...titles,
    '',
    definitions(),
    '',
    conditionsOf(report),
    ...(violations.length === 0 ? [] : ['', 'What was wrong:', '', ...violations]),
    '',
  ].join('\n');
}

/** The sum in one or two sentences, and every goal that was missed. */
export function verdictOf(report: FaultReport): string {
  const { acknowledged, faults, missedGoals } = totalOf(report.results);
  const verdict = isClean(report) ? 'no violation' : 'VIOLATIONS, see below';
  const notRun = report.results.filter((result) => result.notRun !== null).map(({ name }) => name);
  const brokenOff =
    report.results.length === report.asked
      ? ''
      : ` Broken off after ${report.results.length} of ${report.asked} scenarios.`;
  const missing = (notRun.length === 0 ? '' : ` Not run: ${notRun.join(', ')}.`) + brokenOff;
  const sum = `${count(acknowledged)} acknowledged sends, ${count(faults)} faults: ${verdict}.${missing}`;
  if (missedGoals.length === 0) return `${sum} Every goal was met.`;
  return [`${sum} Goals missed:`, ...missedGoals.map((text) => `- ${text}`)].join('\n');
}

function cellsOf(row: Row): string[] {
  if (row.notRun !== null) return [row.name, 'not run', ...HEAD.slice(2).map(() => '')];
  const { lost, repeated, out_of_order, renumbered, other } = row.violations;
  return [
    ...[row.name, ...[row.faults, row.sent, row.acknowledged].map(count)],
    ...[lost, repeated, out_of_order, renumbered, other].map(count),
    seconds(row.faultLasted_ms),
    ...timesOf(row.deliveryBack),
    ...timesOf(row.sendsBack),
  ];
}

function timesOf(quantiles: Quantiles | null): string[] {
  if (quantiles === null) return ['', '', ''];
  return [quantiles.p50_ms, quantiles.p99_ms, quantiles.max_ms].map(seconds);
}

function seconds(duration_ms: number): string {
  return Number.isFinite(duration_ms) ? `${(duration_ms / 1_000).toFixed(1)} s` : 'never';
}

function count(number: number): string {
  return number.toLocaleString('en');
}

function introduction({ minutes, seed, clients, rate, results }: FaultReport): string[] {
  const isAll = results.length === SCENARIOS.length;
  const named = isAll ? '' : results.map(({ name }) => ` --scenario ${name}`).join('');
  return [
    'The cluster profile on three Kafka brokers, Cassandra and Redis, under a steady load of real clients, while processes are',
    'killed, stopped, cut off and slowed down. Then everything is healed, everybody pulls from zero, and whatever anybody was',
    'ever told or shown is compared with the log (test/faults/README.md). Made by',
    '',
    '```',
    `npm run faults -- --minutes ${minutes} --seed ${seed} --clients ${clients} --rate ${rate}${named}`,
    '```',
  ];
}

function definitions(): string {
  return [
    'Acknowledged: with a receipt or an outcome. Lost, repeated, out of order, renumbered, other: what the checker found',
    'when everyone had pulled from zero, each wrong row or answer once. Delivery back: from the injection of a fault until',
    `the last message had arrived that took longer than ${LATE_MS / 1_000} s; of those sent in the ${QUIET_MS / 1_000} s after that, and after the`,
    'fault was healed, all took less. Sends back: the same by receipts. Both hold the time that the fault itself lasted',
    '(longest fault: to its healing). Measured are messages between users who are online all the time, those that were on',
    'their way when the fault came too. p50 and p99 are over the faults.',
    `Goals: delivery back within ${DELIVERY_BACK_MS_MAX / 1_000} s of a kill -9 of a worker, sends within ${SENDS_BACK_MS_MAX / 1_000} s of one of a leader.`,
  ].join('\n');
}

function conditionsOf({ conditions, seed, minutes, clients, rate, version, date }: FaultReport): string {
  const { cores, cpu, memory_gib, kernel, node } = conditions;
  return [
    `Conditions: seed ${seed}, ${minutes} min of faults a scenario, ${clients} SDK clients, ${rate} messages/s; fanlog ${version}, ${date.slice(0, 10)};`,
    `${cores} cores (${cpu}), ${memory_gib} GiB, Linux ${kernel}, Node ${node}; three Kafka 4.1 brokers (3 copies, 2 in sync),`,
    'Cassandra 5.0 and Redis 6.2 of one node, all roles and all clients on this one machine.',
  ].join('\n');
}
