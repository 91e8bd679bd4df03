/** What the allocator needs of the C library. */
export interface Heap {
  realloc(pointer: number, bytes: number): number;
  free(pointer: number): void;
}

/** Lua's allocator: the C library's, with a limit. What exceeds it is refused, which a script sees as "not enough memory". */
export function createAllocator(heap: Heap, limitBytes: number) {
  let used = 0;
  return {
    /** Bytes Lua holds. */
    get used(): number {
      return used;
    },
    /** Lua's `lua_Alloc`: sizes are unsigned, a new size of 0 frees, 0 is returned when there is no room. */
    allocate(pointer: number, oldSigned: number, newSigned: number): number {
      const oldBytes = pointer === 0 ? 0 : oldSigned >>> 0;
      const newBytes = newSigned >>> 0;
      if (newBytes === 0) {
        heap.free(pointer);
        used -= oldBytes;
        return 0;
      }
      if (newBytes > oldBytes && used + newBytes - oldBytes > limitBytes) return 0;
      const next = heap.realloc(pointer, newBytes);
      if (next !== 0) used += newBytes - oldBytes;
      return next;
    },
  };
}
