import type { Reply } from '../protocol/reply.ts';

/** What DEBUG PROTOCOL answers for each type, for those who test clients. */
const examples: Readonly<Record<string, (reply: Reply) => void>> = {
  string: (reply) => reply.bulk('Hello World'),
  integer: (reply) => reply.integer(12_345),
  double: (reply) => reply.double(3.141),
  bignum: (reply) => reply.bigNumber('1234567999999999999999999999999999999'),
  null: (reply) => reply.null(),
  array: (reply) => {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set: (reply) => {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map: (reply) => {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib: (reply) => {
    if (reply.resp3) {
      reply.attribute(1);
      reply.bulk('key-popularity');
      reply.array(2);
      reply.bulk('key:123');
      reply.integer(90);
    }
    // An attribute is no reply by itself.
    reply.bulk('Some real reply following the attribute');
  },
  push: (reply) => {
    if (!reply.resp3) {
      reply.error('ERR RESP2 is not supported by this command');
      return;
    }
    reply.push(2);
    reply.bulk('server-cpu-usage');
    reply.integer(42);
    reply.bulk('Some real reply following the push reply');
  },
  verbatim: (reply) => reply.verbatim('This is a verbatim\nstring'),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
};

/** Answers with a value of the type. */
export function protocolExample(reply: Reply, type: string): void {
  const example = examples[type.toLowerCase()];
  if (example !== undefined) example(reply);
  else
    reply.error(
      'ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false',
    );
}
