/** Pieces from this size on are put aside, so that nothing has to be joined that is longer. */
const PIECE_LENGTH = 32_768;
/** So many elements are gone through before others may have their turn. */
const ELEMENTS_AT_ONCE = 1000;

/** Counts elements, and says now and then that others may have their turn. */
export class Pace {
  private left = ELEMENTS_AT_ONCE;

  get due(): boolean {
    if (--this.left > 0) return false;
    this.left = ELEMENTS_AT_ONCE;
    return true;
  }
}

/** A text that is put together from many short ones. */
export class Pieces {
  readonly done: string[] = [];
  length = 0;
  private text = '';

  add(text: string): void {
    this.text += text;
    this.length += text.length;
    if (this.text.length < PIECE_LENGTH) return;
    this.done.push(this.text);
    this.text = '';
  }

  /** All pieces; nothing can be added after. */
  all(): readonly string[] {
    this.done.push(this.text);
    return this.done;
  }
}

/** A long text in parts that are quickly gone through. */
export function* parts(text: string): Generator<string> {
  for (let at = 0; at < text.length; at += PIECE_LENGTH) yield text.slice(at, at + PIECE_LENGTH);
}
