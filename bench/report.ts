// Results as an aligned table, with the conditions that they were measured under and the limits they are held to.
import type { Conditions } from './conditions.ts';
import { WARM_UP_S } from './loader/run-load.ts';
import type { ScenarioOptions, ScenarioResult } from './scenarios/scenario.ts';
import { FRAMES_PER_SECOND, type ServerUnderLoad } from './server.ts';

export interface RunReport {
  readonly conditions: Conditions;
  readonly server: Pick<ServerUnderLoad, 'profile' | 'durability' | 'filesystem'>;
  readonly options: ScenarioOptions;
  readonly results: readonly ScenarioResult[];
}

const COLUMNS = [
  'load',
  'unit',
  'per s',
  'server us',
  'loader us',
  'other cores',
  'ack p50',
  'p99',
  'receive p50',
  'p99',
  'max ms',
  'stalls',
  'longest ms',
  'out of order',
  'lost',
  'doubled',
  'wrong',
] as const;

export function renderReport({ conditions, server, options, results }: RunReport): string {
  const { cores, cpu, memory_gib, kernel, node, tcp } = conditions;
  const lines = [
    `${cores} cores (${cpu}), ${memory_gib} GiB, Linux ${kernel}, TCP ${tcp}, Node ${node}; server and loader share it`,
    `profile ${server.profile}; data on ${server.filesystem}; FANLOG_FRAMES_PER_SECOND=${FRAMES_PER_SECOND}`,
    `durability: ${server.durability}`,
    `${options.payload_bytes}-byte texts, every message stored; ${options.seconds} s after ${WARM_UP_S} s of warm-up`,
    'us: CPU of all threads, user and kernel, per message (1:1) or per copy (group); other cores: what else was running',
    '',
    ...table([COLUMNS, ...results.map(rowOf)]),
    ...results.flatMap(noteOf),
  ];
  return lines.join('\n');
}

function rowOf({ load, unit, count, figures, faults }: ScenarioResult): string[] {
  const { duration_s } = figures;
  return [
    load,
    unit,
    Math.round(count / duration_s).toLocaleString('en'),
    (figures.serverCpu_us / count).toFixed(1),
    (figures.loaderCpu_us / count).toFixed(1),
    (figures.otherCpu_us / 1_000_000 / duration_s).toFixed(2),
    ms(figures.ack_p50_ms),
    ms(figures.ack_p99_ms),
    ms(figures.receive_p50_ms),
    ms(figures.receive_p99_ms),
    ms(figures.receive_max_ms),
    String(figures.stalls),
    ms(figures.longestStall_ms),
    String(faults.outOfOrder),
    String(faults.lost),
    String(faults.doubled),
    String(faults.wrong),
  ];
}

function noteOf({ load, notes }: ScenarioResult): string[] {
  const said = Object.entries(notes).filter(([, count]) => count > 0);
  return said.length === 0 ? [] : [`${load}: ${said.map(([what, count]) => `${what} ${count}`).join(', ')}`];
}

function ms(value: number | null): string {
  return value === null ? '-' : value.toFixed(value < 10 ? 2 : 0);
}

/** The first column left-aligned, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

/** What breaks a promise, whatever the speed. */
export function brokenPromises(results: readonly ScenarioResult[]): string[] {
  return results.flatMap(({ load, faults }) =>
    Object.entries(faults)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${load}: ${count} ${what}`),
  );
}
