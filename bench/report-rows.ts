// The rows of one result: a label and what stands beside it.
import { type ProcessCpu, sumOf } from './loader/cpu-meter.ts';
import type { IdleResult, LoadResult, ScenarioResult } from './scenarios/scenario.ts';

export type Row = readonly [label: string, value: string];

/** The width that figures of processes line up to: those of the heaviest load here. */
const FIGURE_CHARACTERS = 7;
const US_PER_S = 1_000_000;

export function rowsOf(result: ScenarioResult): Row[] {
  return result.unit === 'connection' ? idleRows(result) : loadRows(result);
}

function loadRows({ unit, count, figures, faults, notes }: LoadResult): Row[] {
  const { duration_s, stalls } = figures;
  const cpu = (spent_us: number) => `${(spent_us / count).toFixed(1)} us a ${unit}`;
  const said = Object.entries(notes).filter(([, times]) => times > 0);
  return [
    ['rate', `${Math.round(count / duration_s).toLocaleString('en')} ${unit === 'copy' ? 'copies' : 'messages'}/s`],
    ['CPU of the server', cpu(figures.serverCpu_us)],
    ...processRows(figures.processes, (spent_us) => spent_us / count),
    ['CPU of the loader', cpu(figures.loaderCpu_us)],
    ['other cores', (figures.otherCpu_us / US_PER_S / duration_s).toFixed(2)],
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
    ...said.map(([what, times]): Row => [what, String(times)]),
  ];
}

function idleRows({ count, memory, opening, holding }: IdleResult): Row[] {
  const cores = (spent_us: number) => ((spent_us / US_PER_S / holding.duration_s) * 100).toFixed(1);
  const processes = memory.processes.length === 1 ? [] : memory.processes;
  return [
    ['user memory', `${kb(memory.user_bytes)} a connection, in the edges, after a garbage collection`],
    ...processes.map(({ name, bytes }): Row => [`  ${name}`, (bytes / 1_000).toFixed(2).padStart(FIGURE_CHARACTERS)]),
    ['of it in the heap', `${kb(memory.heapUsed_bytes)}; native objects of JavaScript ${kb(memory.external_bytes)}`],
    ['before collecting', kb(memory.asItStood_bytes)],
    ['kernel memory', `${kb(memory.kernel_bytes)} a connection and side (both are here: half of the growth)`],
    [
      'opening',
      `${Math.round(count / opening.duration_s).toLocaleString('en')}/s, ` +
        `${Math.round(sumOf(opening.processes) / count).toLocaleString('en')} us of CPU of the server each`,
    ],
    ['CPU while held', `${cores(sumOf(holding.processes))} % of a core, heartbeats included`],
    ...processRows(holding.processes, (spent_us) => (spent_us / US_PER_S / holding.duration_s) * 100),
  ];
}

/** One process is the server: nothing to split. */
function processRows(processes: readonly ProcessCpu[], figure: (spent_us: number) => number): Row[] {
  if (processes.length === 1) return [];
  return processes.map(({ name, cpu_us }) => [`  ${name}`, figure(cpu_us).toFixed(1).padStart(FIGURE_CHARACTERS)]);
}

function kb(bytes: number): string {
  return `${(bytes / 1_000).toFixed(2)} kB`;
}

function ms(value: number | null): string {
  return value === null ? '-' : `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
