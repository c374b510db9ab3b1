// Results as a list a load, narrow enough for a terminal, with the conditions that they were measured under and the limits they are held to.
import type { Conditions } from './conditions.ts';
import { WARM_UP_S } from './loader/run-load.ts';
import { type Row, rowsOf } from './report-rows.ts';
import { FIRST_CONNECTIONS } from './scenarios/idle.ts';
import type { ScenarioOptions, ScenarioResult } from './scenarios/scenario.ts';
import type { Profile, ServerUnderLoad } from './server.ts';
import { FRAMES_PER_SECOND } from './server-start.ts';

export interface RunReport {
  readonly conditions: Conditions;
  readonly server: Pick<ServerUnderLoad, 'processes' | 'durability' | 'filesystem'> & { readonly profile: Profile };
  readonly options: ScenarioOptions;
  /** Seconds of load before each scenario; 0: none. */
  readonly runIn_s: number;
  readonly results: readonly ScenarioResult[];
}

const IDLE_CONDITIONS = `idle connections: neither of these; ${FIRST_CONNECTIONS} others were there before`;
const LABEL_CHARACTERS = 20;
const LINE_CHARACTERS = 100;

export function renderReport({ conditions, server, options, runIn_s, results }: RunReport): string {
  const { cores, cpu, memory_gib, kernel, node, tcp } = conditions;
  const runIn = runIn_s > 0 ? `${runIn_s} s of run-in and ` : '';
  const lines = [
    `${cores} cores (${cpu}), ${memory_gib} GiB, Linux ${kernel}, TCP ${tcp}, Node ${node};`,
    'server and loader share it',
    `profile ${server.profile} (${server.processes}); data on ${server.filesystem}`,
    `FANLOG_FRAMES_PER_SECOND=${FRAMES_PER_SECOND}`,
    ...wrapped(`durability: ${server.durability}`),
    `${options.payload_bytes}-byte texts, every message stored; ${options.seconds} s after ${runIn}${WARM_UP_S} s of warm-up`,
    'CPU: of all threads, user and kernel; other cores: what else was running meanwhile',
    ...(results.some(({ unit }) => unit === 'connection') ? [IDLE_CONDITIONS] : []),
    ...results.flatMap((result) => ['', result.load, ...rowsOf(result).map(lineOf)]),
  ];
  return lines.join('\n');
}

function lineOf([label, value]: Row): string {
  return `  ${label.padEnd(LABEL_CHARACTERS)}${value}`;
}

/** After a semicolon, if it is too long. */
function wrapped(text: string): string[] {
  return text.length <= LINE_CHARACTERS ? [text] : text.split(/(?<=;) /);
}

/** What breaks a promise, whatever the speed. */
export function brokenPromises(results: readonly ScenarioResult[]): string[] {
  return results.flatMap((result) =>
    result.unit === 'connection'
      ? [] // one that is lost ends the run
      : Object.entries(result.faults)
          .filter(([, count]) => count > 0)
          .map(([what, count]) => `${result.load}: ${count} ${what}`),
  );
}
