/** An item, and whether the next one is there already. */
interface Read<Item> {
  readonly item: Item;
  readonly more: () => boolean;
}

/** The items of a source, each read while the one before it is being worked on. */
export async function* readAhead<Item>(source: AsyncIterable<Item>): AsyncGenerator<Read<Item>> {
  const items = source[Symbol.asyncIterator]();
  const begin = () => {
    const reading = { next: items.next(), there: false };
    reading.next.then(
      () => (reading.there = true),
      () => {},
    );
    return reading;
  };
  try {
    for (let reading = begin(); ;) {
      const { done, value } = await reading.next;
      if (done === true) return;
      const ahead = begin();
      yield { item: value, more: () => ahead.there };
      reading = ahead;
    }
  } finally {
    // Not waited for: it ends when what is being read comes, or the source is told to end.
    void items.return?.();
  }
}
