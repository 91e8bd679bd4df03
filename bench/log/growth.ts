export async function benchGrowth(): Promise<void> {}
