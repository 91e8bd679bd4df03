/** `npm run openapi`: writes schemas/openapi.json from the routes' schemas. A test fails while the two differ. */
import { writeFile } from 'node:fs/promises';

import { describedApp } from './openapi-app.ts';
import { openApiText } from './openapi.ts';

const file = new URL('../schemas/openapi.json', import.meta.url);
const app = await describedApp();
await writeFile(file, openApiText(app));
await app.close();
