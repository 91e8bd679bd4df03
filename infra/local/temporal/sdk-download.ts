/**
 * `node sdk-download.ts <folder>`: has Temporal's SDK download its development server into a folder, where `download.ts` finds it.
 * A process of its own, because the SDK's native code is nothing the supervisor should carry, and so that it can be cut short.
 */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node sdk-download.ts <folder>');

process.on('disconnect', () => process.exit(1));
// It may have gone while this process was loading, and then nobody says so any more.
if (!process.connected) process.exit(1);

try {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  // The SDK has no download by itself; it starts what it has downloaded, once, to no further use.
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder } },
  });
  await environment.teardown();
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
