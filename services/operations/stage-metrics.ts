// What the stages of this process have counted (kernel/metrics.ts), as families.
import {
  METRICS,
  type MetricName,
  type MetricRole,
  type Metrics,
  type MetricText,
  STAGE_LATENCY,
  STAGES,
  type Stage,
} from '../kernel/metrics.ts';
import { type Collector, type Family, histogramSamples } from './exposition.ts';

/** Those of other roles are left out: an edge says nothing of fanout. */
export function stageMetrics(metrics: Metrics, roles: ReadonlySet<MetricRole>): Collector {
  const isHere = (its: readonly MetricRole[]) => its.some((role) => roles.has(role));
  return () => {
    const families: Family[] = [];
    for (const [key, text] of Object.entries(METRICS) as [MetricName, MetricText][]) {
      const { name, type, help } = text;
      if (isHere(text.roles)) families.push({ name, type, help, samples: [{ value: metrics.get(key) }] });
    }
    const stages = (Object.keys(STAGES) as Stage[]).filter((stage) => isHere(STAGES[stage]));
    const samples = stages.flatMap((stage) => histogramSamples(metrics.latency(stage), { stage }));
    families.push({ ...STAGE_LATENCY, type: 'histogram', samples });
    return families;
  };
}
