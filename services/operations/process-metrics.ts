// What Node knows of its own process, under the names that boards for Node look for.
import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { Collector, Family, Labels, Sample } from './exposition.ts';

/** Each is a wake-up: 20 a second cost an idle process a thousandth of a core at most. */
const LOOP_RESOLUTION_MS = 50;
const NS_PER_S = 1e9;
/** As in Node's `constants.NODE_PERFORMANCE_GC_*`. */
const GC_KINDS: Readonly<Record<number, string>> = { 1: 'minor', 4: 'major', 8: 'incremental', 16: 'weakcb' };

/** What Node's types leave out. */
interface GcEntry {
  readonly duration: number;
  readonly detail?: { readonly kind?: number };
}

export interface ProcessMetrics {
  readonly collect: Collector;
  stop(): void;
}

export function startProcessMetrics(startedAt_ms: number): ProcessMetrics {
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  loop.enable();
  const collections = new Map<string, { count: number; duration_ms: number }>();
  const observer = new PerformanceObserver((list) => {
    for (const { detail, duration } of list.getEntries() as unknown as readonly GcEntry[]) {
      const kind = GC_KINDS[detail?.kind ?? 0] ?? 'other';
      const known = collections.get(kind) ?? { count: 0, duration_ms: 0 };
      collections.set(kind, { count: known.count + 1, duration_ms: known.duration_ms + duration });
    }
  });
  observer.observe({ entryTypes: ['gc'] });

  const collect = async (): Promise<readonly Family[]> => {
    const { user, system } = process.cpuUsage();
    const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
    const families = [
      one('process_cpu_user_seconds_total', 'counter', 'CPU time in user code.', user / 1e6),
      one('process_cpu_system_seconds_total', 'counter', 'CPU time in the kernel.', system / 1e6),
      one('process_cpu_seconds_total', 'counter', 'CPU time, both.', (user + system) / 1e6),
      one('process_start_time_seconds', 'gauge', 'When the process was started, since 1970.', startedAt_ms / 1_000),
      one('process_resident_memory_bytes', 'gauge', 'Memory that is resident.', rss),
      one('nodejs_heap_size_total_bytes', 'gauge', 'Heap of JavaScript, reserved.', heapTotal),
      one('nodejs_heap_size_used_bytes', 'gauge', 'Heap of JavaScript, used.', heapUsed),
      one('nodejs_external_memory_bytes', 'gauge', 'Memory of native parts that JavaScript holds.', external),
      one('nodejs_array_buffers_bytes', 'gauge', 'Memory of buffers.', arrayBuffers),
      ...(await openFiles()),
      ...loopDelays(loop),
      {
        name: 'nodejs_gc_duration_seconds',
        type: 'summary' as const,
        help: 'Garbage collections, by kind.',
        samples: gc(),
      },
      info('nodejs_version_info', 'Version of Node.', { version: process.version }),
    ];
    loop.reset();
    return families;
  };
  const gc = (): Sample[] =>
    [...collections].flatMap(([kind, { count, duration_ms }]) => [
      { suffix: '_sum', labels: { kind }, value: duration_ms / 1_000 },
      { suffix: '_count', labels: { kind }, value: count },
    ]);
  const stop = () => {
    loop.disable();
    observer.disconnect();
  };
  return { collect, stop };
}

/** A gauge that is always 1: its labels are what it says. */
export function info(name: string, help: string, labels: Labels): Family {
  return { name, type: 'gauge', help, samples: [{ labels, value: 1 }] };
}

function one(name: string, type: 'counter' | 'gauge', help: string, value: number): Family {
  return { name, type, help, samples: [{ value }] };
}

type LoopDelay = ReturnType<typeof monitorEventLoopDelay>;

/** Node measures from tick to tick: the resolution itself is no delay. Since the last scrape. */
function loopDelays(loop: LoopDelay): Family[] {
  const delay_s = (value_ns: number) => Math.max(0, value_ns / NS_PER_S - LOOP_RESOLUTION_MS / 1_000);
  const help = 'How late timers were since the last scrape.';
  if (loop.count === 0) return [];
  return [
    one('nodejs_eventloop_lag_mean_seconds', 'gauge', help, delay_s(loop.mean)),
    one('nodejs_eventloop_lag_p50_seconds', 'gauge', help, delay_s(loop.percentile(50))),
    one('nodejs_eventloop_lag_p99_seconds', 'gauge', help, delay_s(loop.percentile(99))),
    one('nodejs_eventloop_lag_max_seconds', 'gauge', help, delay_s(loop.max)),
  ];
}

/** Linux only; each socket is one. */
async function openFiles(): Promise<Family[]> {
  try {
    const open = (await readdir('/proc/self/fd')).length;
    return [one('process_open_fds', 'gauge', 'Open files and sockets.', open)];
  } catch {
    return [];
  }
}
