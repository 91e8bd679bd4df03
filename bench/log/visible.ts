export async function benchVisible(): Promise<void> {}
