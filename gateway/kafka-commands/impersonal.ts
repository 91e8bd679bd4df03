/** Things whose name is somebody's, by what their ids begin with. */
const named = /^(?:tnt|key)_/;

/**
 * The reply to a write without what is personal in it, JSON text both: a topic keeps what was once said, and no erasure reaches it.
 * Whoever sent the command knows the name, and others ask over HTTP.
 */
export function impersonal(body: string): string {
  const reply = JSON.parse(body) as { readonly id?: unknown };
  return typeof reply.id === 'string' && named.test(reply.id) ? JSON.stringify({ ...reply, name: null }) : body;
}
