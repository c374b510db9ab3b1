// Results as a list a load, narrow enough for a terminal, with the conditions that they were measured under and the limits they are held to.
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

const LABEL_CHARACTERS = 20;

export function renderReport({ conditions, server, options, results }: RunReport): string {
  const { cores, cpu, memory_gib, kernel, node, tcp } = conditions;
  const lines = [
    `${cores} cores (${cpu}), ${memory_gib} GiB, Linux ${kernel}, TCP ${tcp}, Node ${node};`,
    'server and loader share it',
    `profile ${server.profile}; data on ${server.filesystem}; FANLOG_FRAMES_PER_SECOND=${FRAMES_PER_SECOND}`,
    `durability: ${server.durability}`,
    `${options.payload_bytes}-byte texts, every message stored; ${options.seconds} s after ${WARM_UP_S} s of warm-up`,
    'CPU: of all threads, user and kernel; other cores: what else was running meanwhile',
    ...results.flatMap((result) => ['', ...listOf(result), ...noteOf(result)]),
  ];
  return lines.join('\n');
}

function listOf({ load, unit, count, figures, faults }: ScenarioResult): string[] {
  const { duration_s, stalls } = figures;
  const cpu = (spent_us: number) => `${(spent_us / count).toFixed(1)} us a ${unit}`;
  const rows = [
    ['rate', `${Math.round(count / duration_s).toLocaleString('en')} ${unit === 'copy' ? 'copies' : 'messages'}/s`],
    ['CPU of the server', cpu(figures.serverCpu_us)],
    ['CPU of the loader', cpu(figures.loaderCpu_us)],
    ['other cores', (figures.otherCpu_us / 1_000_000 / duration_s).toFixed(2)],
    ['accepted after', `${ms(figures.ack_p50_ms)} p50, ${ms(figures.ack_p99_ms)} p99`],
    [
      'received after',
      `${ms(figures.receive_p50_ms)} p50, ${ms(figures.receive_p99_ms)} p99, ${ms(figures.receive_max_ms)} most`,
    ],
    ['stalls', stalls === 0 ? '0' : `${stalls}, the longest ${ms(figures.longestStall_ms)}`],
    ['out of order', String(faults.outOfOrder)],
    ['lost', String(faults.lost)],
    ['doubled', String(faults.doubled)],
    ['wrong', String(faults.wrong)],
  ] as const;
  return [load, ...rows.map(([label, value]) => `  ${label.padEnd(LABEL_CHARACTERS)}${value}`)];
}

function noteOf({ notes }: ScenarioResult): string[] {
  const said = Object.entries(notes).filter(([, count]) => count > 0);
  return said.map(([what, count]) => `  ${what.padEnd(LABEL_CHARACTERS)}${count}`);
}

function ms(value: number | null): string {
  return value === null ? '-' : `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}

/** What breaks a promise, whatever the speed. */
export function brokenPromises(results: readonly ScenarioResult[]): string[] {
  return results.flatMap(({ load, faults }) =>
    Object.entries(faults)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${load}: ${count} ${what}`),
  );
}
