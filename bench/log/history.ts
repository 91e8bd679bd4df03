export async function benchHistory(): Promise<void> {}
