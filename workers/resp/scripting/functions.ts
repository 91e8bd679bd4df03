import { isFunctionName, parseLibrary } from './script.ts';
import type { Registration } from './registration.ts';

/** A function of a library. */
export interface LibraryFunction {
  readonly name: string;
  readonly description: string | undefined;
  readonly flags: ReadonlySet<string>;
  /** Where its state keeps it. */
  readonly ref: number;
}

/** A library whose code has been run. */
export interface Library {
  readonly name: string;
  readonly code: string;
  readonly functions: Map<string, LibraryFunction>;
}

const NAME_RULE =
  'Library names can only contain letters, numbers, or underscores(_) and must be at least one character long';

/** The name and body of a library that can be loaded, or the error line. */
export function libraryHead(code: string): { readonly name: string; readonly body: string } | string {
  const head = parseLibrary(code);
  if (typeof head === 'string') return head;
  if (!isFunctionName(head.name)) return `ERR ${NAME_RULE}`;
  if (head.engine.toLowerCase() !== 'lua') return `ERR Engine '${head.engine}' not found`;
  return head;
}

/** Adds a function to a library that is being loaded; returns why not. `keep` keeps what is on the stack. */
export function register(
  library: Library,
  { name, description, flags, L, callbackAt }: Registration,
  keep: (L: number, at: number) => number,
): string | undefined {
  if (!isFunctionName(name)) return NAME_RULE;
  if (library.functions.has(name)) return 'Function already exists in the library';
  library.functions.set(name, { name, description, flags, ref: keep(L, callbackAt) });
  return undefined;
}

/** The libraries of a node and their functions, as they stand in its state. */
export class Functions {
  readonly libraries = new Map<string, Library>();
  /** By name in lower case, which for functions is the same. */
  readonly byName = new Map<string, LibraryFunction>();

  /**
   * Adds libraries all at once, in the place of those that `replacing` names. Returns the error line, and then nothing
   * has changed, when two functions have one name. Returns the libraries that had to go else.
   */
  join(added: readonly Library[], replacing: ReadonlySet<string>): readonly Library[] | string {
    const leaving = [...replacing].flatMap((name) => this.libraries.get(name) ?? []);
    const free = new Set(leaving.flatMap(({ functions }) => [...functions.keys()].map((name) => name.toLowerCase())));
    const taken = new Set<string>();
    for (const { functions } of added) {
      for (const name of functions.keys()) {
        const key = name.toLowerCase();
        if (taken.has(key) || (this.byName.has(key) && !free.has(key))) return `ERR Function ${name} already exists`;
        taken.add(key);
      }
    }
    for (const library of leaving) this.unlink(library);
    for (const library of added) {
      this.libraries.set(library.name, library);
      for (const fn of library.functions.values()) this.byName.set(fn.name.toLowerCase(), fn);
    }
    return leaving;
  }

  unlink(library: Library): void {
    this.libraries.delete(library.name);
    for (const name of library.functions.keys()) this.byName.delete(name.toLowerCase());
  }

  clear(): void {
    this.libraries.clear();
    this.byName.clear();
  }
}
