// Prometheus's text format, version 0.0.4: families of samples in, text out.
//
//   # HELP fanlog_lag_records …
//   # TYPE fanlog_lag_records gauge
//   fanlog_lag_records{topic="inbox",partition="3"} 0
//
// Ours, because it is so little: a library of metrics would count by name and label on the way of every message, where
// kernel/metrics.ts adds to a number.
import { LATENCY_BOUNDS_MS, type Latency } from '../kernel/metrics.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  /** `_bucket`, `_sum`, `_count`; nothing for counters and gauges. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** What is scraped, put together at the scrape. Never rejects for a server that is away. */
export type Collector = () => readonly Family[] | Promise<readonly Family[]>;

/** Families of one name come as one, as the format demands; those without a sample do not come. */
export function expose(families: readonly Family[]): string {
  const byName = new Map<string, { readonly family: Family; readonly samples: Sample[] }>();
  for (const family of families) {
    const known = byName.get(family.name);
    if (known === undefined) byName.set(family.name, { family, samples: [...family.samples] });
    else known.samples.push(...family.samples);
  }
  const lines: string[] = [];
  for (const { family, samples } of byName.values()) {
    if (samples.length === 0) continue;
    const { name, type, help } = family;
    lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`);
    for (const { suffix = '', labels = {}, value } of samples)
      lines.push(`${name}${suffix}${labelText(labels)} ${numberText(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

export function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help, samples };
}

/** A latency as samples of a histogram in seconds: buckets are cumulative there. */
export function histogramSamples(latency: Latency, labels: Labels): Sample[] {
  const samples: Sample[] = [];
  let count = 0;
  for (const [i, observed] of latency.counts.entries()) {
    count += observed;
    const bound_ms = LATENCY_BOUNDS_MS[i];
    const le = bound_ms === undefined ? '+Inf' : String(bound_ms / 1_000);
    samples.push({ suffix: '_bucket', labels: { ...labels, le }, value: count });
  }
  samples.push({ suffix: '_sum', labels, value: latency.sum_ms / 1_000 }, { suffix: '_count', labels, value: count });
  return samples;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
