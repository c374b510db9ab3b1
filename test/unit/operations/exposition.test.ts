import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LATENCY_BOUNDS_MS, METRICS, Metrics, Moments } from '../../../services/kernel/metrics.ts';
import { expose, gauge, histogramSamples } from '../../../services/operations/exposition.ts';
import { stageMetrics } from '../../../services/operations/stage-metrics.ts';

const ALL = new Set(['api', 'edge', 'fanout', 'inbox'] as const);

describe('the text that Prometheus reads', () => {
  test('names, explains and types each family once, whoever its samples come from', () => {
    const lag = (role: string, value: number) =>
      gauge('fanlog_lag_records', 'Records that wait.', [{ labels: { role, partition: 3 }, value }]);
    assert.equal(
      expose([lag('fanout', 0), gauge('other', 'Else.', [{ value: 1.5 }]), lag('inbox', 7)]),
      [
        '# HELP fanlog_lag_records Records that wait.',
        '# TYPE fanlog_lag_records gauge',
        'fanlog_lag_records{role="fanout",partition="3"} 0',
        'fanlog_lag_records{role="inbox",partition="3"} 7',
        '# HELP other Else.',
        '# TYPE other gauge',
        'other 1.5',
        '',
      ].join('\n'),
    );
  });

  test('escapes what would end a label or a line', () => {
    const text = expose([gauge('a', 'one\ntwo \\', [{ labels: { l: 'x"y\\z\n' }, value: 1 }])]);
    assert.equal(text, '# HELP a one\\ntwo \\\\\n# TYPE a gauge\na{l="x\\"y\\\\z\\n"} 1\n');
  });

  test('leaves out a family without a sample', () => {
    assert.equal(expose([gauge('a', 'Nothing.', []), gauge('b', 'One.', [{ value: 1 }])]).includes('# HELP a'), false);
  });

  test('shows a latency as cumulative buckets in seconds', () => {
    const metrics = new Metrics();
    const latency = metrics.latency('socket');
    latency.observe(0.5, 3);
    latency.observe(2);
    latency.observe(40_000);
    latency.observe(-5);
    const samples = histogramSamples(latency, { stage: 'socket' });
    const bucket = (le: string) => samples.find(({ labels }) => labels?.le === le)?.value;
    assert.deepEqual(
      [bucket('0.0005'), bucket('0.001'), bucket('0.0025'), bucket('30'), bucket('+Inf')],
      [4, 4, 5, 5, 6],
    );
    assert.equal(samples.at(-1)!.value, 6);
    assert.ok(Math.abs(samples.at(-2)!.value - 40.0035) < 1e-9);
    assert.equal(samples.length, LATENCY_BOUNDS_MS.length + 3);
  });
});

describe('what the stages count', () => {
  test('is shown by processes with the role it belongs to, from zero on', async () => {
    const metrics = new Metrics();
    metrics.add('edge_sessions', 2);
    const edge = expose([...(await stageMetrics(metrics, new Set(['edge']))())]);
    assert.match(edge, /^fanlog_edge_sessions 2$/m);
    assert.match(edge, /^fanlog_accepted_total 0$/m);
    assert.match(edge, /^fanlog_stage_latency_seconds_count\{stage="socket"\} 0$/m);
    assert.doesNotMatch(edge, /^fanlog_(fanout|inbox)|stage="(fanout|inbox)/m);
    const all = expose([...(await stageMetrics(metrics, ALL)())]);
    for (const { name } of Object.values(METRICS)) assert.match(all, new RegExp(`^${name} `, 'm'));
  });

  test('is named as Prometheus has it: counters end in _total, gauges do not', () => {
    for (const { name, type, help } of Object.values(METRICS)) {
      assert.match(name, /^fanlog_[a-z_]+$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.match(help, /\.$/);
    }
    assert.equal(new Set(Object.values(METRICS).map(({ name }) => name)).size, Object.keys(METRICS).length);
  });
});

test('moments that are equal are observed as one, and forgotten when told', () => {
  const latency = new Metrics().latency('fanout');
  const moments = new Moments();
  for (const time of [100, 100, 100, 104]) moments.add(time);
  moments.observeAt(106, latency);
  assert.deepEqual([latency.sum_ms, latency.counts.reduce((a, b) => a + b, 0)], [20, 4]);
  moments.clear();
  moments.observeAt(500, latency);
  assert.equal(latency.sum_ms, 20);
});
