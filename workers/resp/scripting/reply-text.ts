import { textOf, type Piece } from '../protocol/chunk.ts';

/** A reply as it would go to a client, read from its beginning. It comes in pieces, which end anywhere: to join them all would take long. */
export class ReplyText {
  private text = '';
  private at = 0;
  private next = 0;
  private readonly pieces: readonly Piece[];

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces;
  }

  /** The next line, without its end. */
  line(): string {
    const end = this.lineEnd();
    const line = this.text.slice(this.at, end);
    this.at = end + 2;
    return line;
  }

  /** The same, which stays the next. */
  peekLine(): string {
    // What is missing is fetched first, which makes the text another.
    const end = this.lineEnd();
    return this.text.slice(this.at, end);
  }

  /** The next bytes, which a line's end follows. */
  bulk(length: number): string {
    if (this.text.length < this.at + length + 2) this.fetch(length + 2);
    const start = this.at;
    this.at += length + 2;
    return this.text.slice(start, start + length);
  }

  private lineEnd(): number {
    for (;;) {
      const end = this.text.indexOf('\r\n', this.at);
      if (end >= 0) return end;
      this.fetch(this.text.length - this.at + 1);
    }
  }

  /** Joins pieces until so many bytes are there. */
  private fetch(bytes: number): void {
    const joined = [this.text.slice(this.at)];
    let length = joined[0]!.length;
    while (length < bytes) {
      const piece = this.pieces[this.next++];
      if (piece === undefined) throw new Error('A reply ends in its middle.');
      length += piece.length;
      joined.push(textOf(piece));
    }
    this.text = joined.length === 2 && joined[0] === '' ? joined[1]! : joined.join('');
    this.at = 0;
  }
}
