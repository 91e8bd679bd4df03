import type { FastifyInstance } from 'fastify';

/** What ends the replies that would go on for ever, by the server they belong to. */
const open = new WeakMap<object, Set<() => void>>();

/** The open streams of a server; each takes itself out when it has ended. */
export function streamsOf(app: FastifyInstance): Set<() => void> {
  const { server } = app;
  let streams = open.get(server);
  if (streams === undefined) open.set(server, (streams = new Set()));
  return streams;
}

/**
 * Ends all streams when the server begins to close, and has connections end with the reply in hand, so that closing needs not
 * wait for clients to leave.
 */
export function endStreamsOnClose(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
    for (const finish of streamsOf(app)) finish();
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
}
