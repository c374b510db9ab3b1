// Which methods an address takes, for whoever came with another one. The router knows only what it was asked for.
import type { FastifyInstance } from 'fastify';

interface KnownRoute {
  readonly address: RegExp;
  readonly methods: Set<string>;
}

export class KnownRoutes {
  readonly #routes = new Map<string, KnownRoute>();

  /** Call it before the routes are added. The page's files have no fixed addresses, so they are not among them. */
  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ url, method }) => {
      if (url.includes('*')) return;
      const address = new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}$`);
      const known = this.#routes.get(url) ?? { address, methods: new Set() };
      for (const name of [method].flat()) known.methods.add(name);
      this.#routes.set(url, known);
    });
  }

  /** `url`: with or without a query. Empty: no such address. */
  methodsAt(url: string): readonly string[] {
    const path = url.split('?', 1)[0]!;
    const methods = [...this.#routes.values()]
      .filter(({ address }) => address.test(path))
      .map((known) => known.methods);
    return methods.flatMap((names) => [...names]);
  }
}
