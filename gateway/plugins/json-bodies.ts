import type { FastifyInstance } from 'fastify';

import { Problem } from '../problems.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON is the only content there is. An empty body is no body, whatever its type says, since many clients always send one.
 * `__proto__` and `constructor.prototype` as names are refused with the rest of what can't be meant.
 */
export function addJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    let text: string;
    try {
      text = strictUtf8.decode(body);
    } catch {
      done(new Problem('malformed_json', 'The body is not valid UTF-8.'));
      return;
    }
    void parse(request, text, (error, value) => {
      if (error === null) done(null, value);
      else done(new Problem('malformed_json', `The body is not valid JSON: ${error.message}`));
    });
  });
}
