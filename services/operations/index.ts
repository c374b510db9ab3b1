// The door of what operators look at.
export { CanaryProber, type CanaryProberOptions, type Owned } from './canary-prober.ts';
export type { Collector, Family } from './exposition.ts';
export { lagMetrics } from './lag-metrics.ts';
export { type OperationsOptions, type OperationsServer, startOperations } from './operations-server.ts';
export { info, type ProcessMetrics, startProcessMetrics } from './process-metrics.ts';
export { Readiness, type ReadinessReport, type WhyNot } from './readiness.ts';
export { stageMetrics } from './stage-metrics.ts';
