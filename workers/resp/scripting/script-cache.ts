import { digestOf, parseScript } from './script.ts';
import type { Script } from './script.ts';

/** Scripts kept that only EVAL has brought: as in Redis 7.4, older ones go. */
const EVAL_SCRIPTS_MAX = 500;
/** Bytes of scripts that a tenant can have kept. */
const BYTES_MAX = 16 * 1_048_576;

interface Kept {
  readonly script: Script;
  readonly source: string;
  /** SCRIPT LOAD has promised that it stays. */
  loaded: boolean;
  /** It was run since others were last thrown out. */
  used: boolean;
}

/** The scripts a node knows, by digest; and by their text, which spares EVAL a digest. */
export class ScriptCache {
  bytes = 0;
  private readonly limited: boolean;
  private readonly bySha = new Map<string, Kept>();
  private readonly bySource = new Map<string, Kept>();
  private evalOnly = 0;
  /** Is told of scripts that are forgotten. */
  private readonly forgotten: (script: Script) => void;

  constructor(limited: boolean, forgotten: (script: Script) => void) {
    this.limited = limited;
    this.forgotten = forgotten;
  }

  get size(): number {
    return this.bySha.size;
  }

  bySourceText(source: string): Script | undefined {
    const kept = this.bySource.get(source);
    if (kept === undefined) return undefined;
    kept.used = true;
    return kept.script;
  }

  byDigest(sha: string): Script | undefined {
    const kept = this.bySha.get(sha) ?? this.bySha.get(sha.toLowerCase());
    if (kept === undefined) return undefined;
    kept.used = true;
    return kept.script;
  }

  has(sha: string): boolean {
    return this.bySha.has(sha.toLowerCase());
  }

  /** Marks a script as one that stays. */
  hold(source: string): void {
    const kept = this.bySource.get(source);
    if (kept === undefined || kept.loaded) return;
    kept.loaded = true;
    this.evalOnly--;
  }

  /** What the source says of itself; the error line when that is wrong. */
  parse(source: string): Script | string {
    return parseScript(source, digestOf(source));
  }

  /** Keeps a script that compiles; false when there is no room for it. */
  add(source: string, script: Script, loaded: boolean): boolean {
    if (this.limited && this.bytes + source.length > BYTES_MAX && !this.makeRoom(source.length)) return false;
    const kept = { script, source, loaded, used: true };
    this.bySha.set(script.sha, kept);
    this.bySource.set(source, kept);
    this.bytes += source.length;
    if (!loaded && ++this.evalOnly > EVAL_SCRIPTS_MAX && this.limited) this.evictOne();
    return true;
  }

  clear(): void {
    this.bySha.clear();
    this.bySource.clear();
    this.bytes = 0;
    this.evalOnly = 0;
  }

  private makeRoom(bytes: number): boolean {
    while (this.bytes + bytes > BYTES_MAX && this.evalOnly > 0) this.evictOne();
    return this.bytes + bytes <= BYTES_MAX;
  }

  /** Throws out the oldest script that EVAL has brought and that was not used since this was last asked. */
  private evictOne(): void {
    for (;;) {
      for (const kept of this.bySha.values()) {
        if (kept.loaded) continue;
        if (!kept.used) {
          this.forget(kept);
          return;
        }
        kept.used = false;
      }
    }
  }

  private forget({ script, source }: Kept): void {
    this.bySha.delete(script.sha);
    this.bySource.delete(source);
    this.bytes -= source.length;
    this.evalOnly--;
    this.forgotten(script);
  }
}
