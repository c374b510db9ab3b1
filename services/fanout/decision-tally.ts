// What the decisions of one slice come to, counted when their outputs are acknowledged: a slice that is thrown away and
// decided again counts once.
import { type Metrics, Moments } from '../kernel/metrics.ts';
import type { Decision } from './fold-conversation.ts';

export class DecisionTally {
  readonly #decidedFrom = new Moments();
  #sequenced = 0;
  #repeats = 0;
  #unchanged = 0;
  #rejected = 0;
  #clock = 0;
  #tooOld = 0;

  /** `appendTime`: when the log stamped the command. */
  count({ outcome }: Decision, appendTime: number): void {
    this.#decidedFrom.add(appendTime);
    if (outcome.result === 'sequenced') {
      if (outcome.repeat) this.#repeats++;
      else this.#sequenced++;
    } else if (outcome.result === 'unchanged') {
      this.#unchanged++;
    } else {
      this.#rejected++;
      if (outcome.code === 'clock') this.#clock++;
      if (outcome.code === 'too_old') this.#tooOld++;
    }
  }

  /** @param now when the outputs were acknowledged */
  addTo(metrics: Metrics, now: number): void {
    this.#decidedFrom.observeAt(now, metrics.latency('fanout'));
    if (this.#sequenced > 0) metrics.add('fanout_sequenced', this.#sequenced);
    if (this.#repeats > 0) metrics.add('fanout_repeats', this.#repeats);
    if (this.#unchanged > 0) metrics.add('fanout_unchanged', this.#unchanged);
    if (this.#rejected > 0) metrics.add('fanout_rejected', this.#rejected);
    if (this.#clock > 0) metrics.add('fanout_clock', this.#clock);
    if (this.#tooOld > 0) metrics.add('fanout_too_old', this.#tooOld);
  }
}
