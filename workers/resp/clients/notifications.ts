import { publish } from './pubsub.ts';
import type { Server } from './server.ts';

/** The classes that 'A' stands for. */
const ALL = 'g$lshzxetd';

/** The classes of notify-keyspace-events in their normal form; undefined when a letter is unknown. */
export function notificationClasses(text: string): string | undefined {
  if (/[^KEAg$lshzxetdnm]/.test(text)) return undefined;
  const every = text.includes('A') || ALL.split('').every((letter) => text.includes(letter));
  const classes = every ? 'A' : pick(`${ALL}n`, text);
  return classes + pick('KEm', text) + (every ? pick('n', text) : '');
}

/** What CONFIG GET shows: beside 'A', which does not stand for it, Redis keeps quiet about 'n'. */
export function shownClasses(classes: string): string {
  return classes.startsWith('A') ? classes.replace('n', '') : classes;
}

function pick(letters: string, from: string): string {
  return letters
    .split('')
    .filter((letter) => from.includes(letter))
    .join('');
}

/** Switches keyspace notifications of a node; `classes` in normal form. While they are off nothing is asked of anyone. */
export function setNotifications(server: Server, classes: string): void {
  server.notifications = classes;
  const [keyspace, keyevent] = [classes.includes('K'), classes.includes('E')];
  if (!keyspace && !keyevent) {
    server.node.listener = undefined;
    return;
  }
  const wanted = new Set(classes.replace('A', ALL));
  server.node.listener = {
    event(kind, event, key, db) {
      if (!wanted.has(kind)) return;
      if (keyspace) publish(server, `__keyspace@${db}__:${key}`, event);
      if (keyevent) publish(server, `__keyevent@${db}__:${event}`, key);
    },
  };
}
