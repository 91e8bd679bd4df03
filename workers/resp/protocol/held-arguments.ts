/** What an argument takes besides its bytes. */
const ARGUMENT_BYTES = 32;

/** The size of the arguments of a request that is still to come whole; each is looked at once. */
export class HeldArguments {
  bytes = 0;
  private args: readonly string[] = [];
  private counted = 0;

  /** Counts what is new among the arguments of the request being read. */
  count(args: readonly string[]): void {
    if (args !== this.args) {
      this.args = args;
      this.counted = 0;
      this.bytes = 0;
    }
    while (this.counted < args.length) this.bytes += ARGUMENT_BYTES + args[this.counted++]!.length;
  }
}
