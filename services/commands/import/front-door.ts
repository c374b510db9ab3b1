// The way in that everybody else has too: the HTTP api and the edges. Tokens are minted with the application's key.
import { createNodeClient, type FanlogClient, HttpApi, type ServerClock } from '../../client/node.ts';
import { type Runtime, sleep } from '../../kernel/runtime.ts';
import type { Cursor } from '../../protocol/frames.ts';
import { BadInput } from './bad-input.ts';
import { IMPORTER } from './user-of-nick.ts';

/** A server that is killed is back within seconds. */
const REACH_MS_MAX = 60_000;
const REACH_POLL_MS = 500;
/** A token is replaced this long before its end. */
const TOKEN_MARGIN_MS = 300_000;

export class FrontDoor {
  readonly runtime: Runtime;
  /** The importer's. */
  readonly api: HttpApi;
  readonly #edges: readonly string[];
  readonly #tokens = new Map<string, { readonly token: string; readonly expiresAt: number }>();

  private constructor(runtime: Runtime, api: HttpApi, edges: readonly string[]) {
    this.runtime = runtime;
    this.api = api;
    this.#edges = edges;
  }

  /** @throws BadInput when nobody answers at `url`, or the key is another's. */
  static async open(url: string, appKey: string, runtime: Runtime): Promise<FrontDoor> {
    const token = () => door.tokenFor(IMPORTER);
    const api = new HttpApi({ baseUrl: url, appKey, runtime, token });
    const { data, message } = await api.edges();
    if (data === null) throw new BadInput(`${url} does not answer as fanlog does: ${message}.`);
    const door = new FrontDoor(runtime, api, data.edges);
    const minted = await api.createToken(IMPORTER);
    if (!minted.ok) throw new BadInput(`${url} makes no tokens with this FANLOG_APP_KEY: ${minted.message}`);
    return door;
  }

  get clock(): ServerClock {
    return this.api.clock;
  }

  /** A token that is good for minutes at least; `anew`: minted now. Rejects when the server stays away. */
  async tokenFor(user: string, anew = false): Promise<string> {
    const known = this.#tokens.get(user);
    if (!anew && known !== undefined && known.expiresAt - TOKEN_MARGIN_MS > this.clock.now()) return known.token;
    const deadline_ms = this.runtime.monotonic() + REACH_MS_MAX;
    for (;;) {
      const reply = await this.api.createToken(user);
      if (reply.ok && reply.data !== null) {
        if (!anew) this.#tokens.set(user, reply.data);
        return reply.data.token;
      }
      if (reply.status !== 0 && reply.status < 500) throw new Error(`no token for ${user}: ${reply.message}`);
      if (this.runtime.monotonic() > deadline_ms) throw new Error(`no token for ${user}: ${reply.message}`);
      await sleep(this.runtime, REACH_POLL_MS);
    }
  }

  /** A client of a user, not yet started. `anew`: it signs in with a token of its own. */
  clientOf(
    user: string,
    device: string,
    { anew = false, cursor }: { anew?: boolean; cursor?: Cursor } = {},
  ): FanlogClient {
    return createNodeClient({
      edges: this.#edges,
      token: () => this.tokenFor(user, anew),
      device,
      platform: 'import',
      ...(cursor === undefined ? {} : { cursor }),
    });
  }
}
