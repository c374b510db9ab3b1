// The page: files of dist/web, which the build makes.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { refusal } from '../kernel/errors.ts';
import { refuse } from './reply.ts';

/** `folder`: dist/web, whether it is there or not; null: no page. */
export async function pageRoutes(app: FastifyInstance, folder: string | null): Promise<void> {
  if (folder !== null && existsSync(join(folder, 'index.html'))) {
    await app.register(fastifyStatic, { root: folder });
    return;
  }
  app.get('/', async (request, reply) => {
    return refuse(request, reply, refusal('not_found', 'the page is not built, `npm start` builds it'));
  });
}
