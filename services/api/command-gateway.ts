// A command over HTTP answers with its outcome.
//
//   submit ──▶ appended ──▶ decided by fanout ──▶ outcome on this process's delivery stream ──▶ answer
//                 └─ none in command_retry_ms: appended again, same command id ─┘
//
// Appending twice is harmless: the fold decides one command id once and tells the second record the first's result.
// After command_deadline_ms the answer is `undecided`; asking again is repeating the request with the same id.
import { encodeMessagesRecord } from '../events/codec.ts';
import type { Command } from '../events/commands.ts';
import type { Outcome } from '../events/outcome.ts';
import { partitionOf } from '../events/partition.ts';
import { type Refusal, refusal } from '../kernel/errors.ts';
import { limits } from '../kernel/limits.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { OutcomeDelivery } from '../ports/delivery/delivery-stream.ts';
import type { CommandAppender } from '../ports/log/command-appender.ts';
import type { NodeAddress } from '../ports/sessions/session-registry.ts';

/** Requests that wait for an outcome. At 10 s each and a payload of 16 KiB the worst case is 64 MiB. */
const WAITING_MAX = 4_096;

type WithoutOrigin<C> = C extends Command ? Omit<C, 'origin'> : never;
export type CommandToSubmit = WithoutOrigin<Command>;

export interface CommandGatewayOptions {
  readonly address: NodeAddress;
  readonly appender: CommandAppender;
  /** Partitions of `messages`. */
  readonly partitions: number;
  readonly runtime: Runtime;
  readonly retry_ms?: number;
  readonly deadline_ms?: number;
}

export class CommandGateway {
  readonly #options: CommandGatewayOptions;
  readonly #retry_ms: number;
  readonly #deadline_ms: number;
  /** By request number; each is told the first outcome that names it. */
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  #request = 0;

  constructor(options: CommandGatewayOptions) {
    this.#options = options;
    this.#retry_ms = options.retry_ms ?? limits.command_retry_ms;
    this.#deadline_ms = options.deadline_ms ?? limits.command_deadline_ms;
  }

  /**
   * How the command ended. `undecided`: it is in the log, nobody said how it ended; `log_unavailable`, `overloaded`:
   * the log did not confirm it once.
   */
  submit(command: CommandToSubmit): Promise<Outcome | Refusal> {
    if (this.#waiting.size >= WAITING_MAX) return Promise.resolve(refusal('overloaded'));
    const { address, appender, partitions, runtime } = this.#options;
    const request = ++this.#request;
    const { node, incarnation } = address;
    const record = { ...command, origin: { node, incarnation, session: 0, request } } as Command;
    // Copied: the encoder may reuse its memory, and a repeat needs the bytes later.
    const value = Uint8Array.from(encodeMessagesRecord(record));
    const key = command.conversationId;
    const partition = partitionOf(key, partitions);

    return new Promise((resolve) => {
      let confirmed = false;
      let lastRefusal: Refusal = refusal('log_unavailable');
      const append = (): Refusal | null => {
        return appender.append({
          partition,
          key,
          value,
          sender: {}, // it stands alone: no order with other commands is promised
          onAccepted: () => {
            confirmed = true;
          },
          onRefused: (refused) => {
            lastRefusal = refused;
          },
        });
      };
      const end = (result: Outcome | Refusal) => {
        this.#waiting.delete(request);
        retry.cancel();
        deadline.cancel();
        resolve(result);
      };
      const again = () => {
        const refused = append();
        if (refused !== null) lastRefusal = refused;
        retry = runtime.setTimer(this.#retry_ms, again);
      };
      let retry = runtime.setTimer(this.#retry_ms, again);
      const deadline = runtime.setTimer(this.#deadline_ms, () => {
        end(confirmed ? refusal('undecided') : lastRefusal);
      });
      this.#waiting.set(request, end);
      const refused = append();
      if (refused !== null) end(refused);
    });
  }

  /** From the delivery stream. An outcome that nobody waits for any more is nothing special. */
  onOutcome({ request, outcome }: OutcomeDelivery): void {
    this.#waiting.get(request)?.(outcome);
  }

  /** Requests that wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }
}
