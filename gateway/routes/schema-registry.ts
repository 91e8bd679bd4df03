import { catalog, essenceOf, incompatibilities, parseSchema, type CatalogEntry } from '#schemas/catalog.ts';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

import { addRegistryErrors, RegistryError, registryMediaType } from '../schema-registry-errors.ts';

const SchemaInput = z.object({
  schema: z.string().meta({ description: 'The schema as JSON text.' }),
  schemaType: z.string().optional(),
  references: z.array(z.unknown()).optional(),
});
const OfSubject = z.object({ subject: z.string() });
const OfVersion = OfSubject.extend({ version: z.string() });
const Ignored = z.looseObject({});

/** Both directions, with every earlier version: what `npm run check` holds the schemas of this project to. */
const compatibilityLevel = 'FULL_TRANSITIVE';

/**
 * Confluent's schema registry for reading, so that any consumer of the topics decodes them:
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html. What it serves are the files in `schemas/`.
 */
export function addSchemaRegistryRoutes(app: FastifyInstance): void {
  addRegistryErrors(app);
  const types = ['application/vnd.schemaregistry.v1+json', 'application/vnd.schemaregistry+json'];
  app.addContentTypeParser(
    [...types, 'application/octet-stream'],
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  );
  app.addHook('onSend', async (_request, reply) => void reply.type(registryMediaType));
  const api = app.withTypeProvider<ZodTypeProvider>();
  const route = (summary: string) => ({
    config: { action: 'ReadSchema', basic: true } as const,
    schema: { summary, tags: ['schemas'], querystring: Ignored },
  });
  const withParams = <Params extends z.ZodType>(summary: string, params: Params) => {
    const { config, schema } = route(summary);
    return { config, schema: { ...schema, params } };
  };
  const withBody = <Params extends z.ZodType>(summary: string, params: Params) => {
    const { config, schema } = withParams(summary, params);
    return { config, schema: { ...schema, body: SchemaInput } };
  };

  const OfId = z.object({ id: z.string() });
  api.get('/contexts', route('Namespaces of subjects: there is one'), async () => ['.']);
  api.get('/schemas', route('All versions of all records'), async ({ query }) => catalog().filter(beginningAs(query)));
  api.get('/schemas/types', route('Kinds of schemas there are'), async () => ['AVRO']);
  api.get('/schemas/ids/:id', withParams('A schema by the id that records carry', OfId), async ({ params }) => ({
    schema: withId(params.id).schema,
  }));
  api.get('/schemas/ids/:id/schema', withParams('The schema alone', OfId), async ({ params }) =>
    JSON.parse(withId(params.id).schema),
  );
  api.get('/schemas/ids/:id/subjects', withParams('Subjects of a schema', OfId), async ({ params }) => [
    withId(params.id).subject,
  ]);
  api.get('/schemas/ids/:id/versions', withParams('Subject and version of a schema', OfId), async ({ params }) => {
    const { subject, version } = withId(params.id);
    return [{ subject, version }];
  });

  api.get('/subjects', route('Full names of all records'), async ({ query }) => [
    ...new Set(
      catalog()
        .filter(beginningAs(query))
        .map(({ subject }) => subject),
    ),
  ]);
  api.get('/subjects/:subject/versions', withParams('Versions of a record', OfSubject), async ({ params }) =>
    versionsOf(params.subject).map(({ version }) => version),
  );
  api.get('/subjects/:subject/versions/:version', withParams('One version', OfVersion), async ({ params }) =>
    versionOf(params),
  );
  api.get(
    '/subjects/:subject/versions/:version/schema',
    withParams('The schema of one version', OfVersion),
    async ({ params }) => JSON.parse(versionOf(params).schema),
  );
  api.get(
    '/subjects/:subject/versions/:version/referencedby',
    withParams('Ids of schemas that refer to it: none does', OfVersion),
    async ({ params }) => {
      versionOf(params);
      return [];
    },
  );
  api.post('/subjects/:subject', withBody('Which version a schema is', OfSubject), async ({ params, body }) =>
    lookUp(params.subject, body.schema),
  );
  api.post(
    '/subjects/:subject/versions',
    withBody('The id of a schema that is there; none can be added here', OfSubject),
    async ({ params: { subject }, body }) => {
      try {
        return { id: lookUp(subject, body.schema).id };
      } catch (error) {
        if (!(error instanceof RegistryError) || error.code === 42201) throw error;
        throw new RegistryError('readOnly', `Subject ${subject} is in read-only mode: schemas come with the program.`);
      }
    },
  );

  api.get('/config', route('What new versions must be'), async () => ({ compatibilityLevel }));
  api.get('/config/:subject', withParams('The same, of one record', OfSubject), async ({ params }) => {
    versionsOf(params.subject);
    return { compatibilityLevel };
  });
  api.get('/mode', route('Whether schemas can be added here: they can not'), async () => ({ mode: 'READONLY' }));
  api.get('/mode/:subject', withParams('The same, of one record', OfSubject), async () => ({ mode: 'READONLY' }));

  api.post(
    '/compatibility/subjects/:subject/versions/:version',
    withBody('Whether a schema could follow a version', OfVersion),
    async ({ params, body, query }) => compatibility(body.schema, [versionOf(params)], query),
  );
  api.post(
    '/compatibility/subjects/:subject/versions',
    withBody('Whether a schema could follow all versions', OfSubject),
    async ({ params, body, query }) => compatibility(body.schema, versionsOf(params.subject), query),
  );
}

/** What a list is narrowed to by `subjectPrefix`. */
function beginningAs(query: Record<string, unknown>): (entry: CatalogEntry) => boolean {
  const prefix = typeof query['subjectPrefix'] === 'string' ? query['subjectPrefix'] : '';
  return ({ subject }) => subject.startsWith(prefix);
}

function withId(text: string): CatalogEntry {
  const found = catalog().find(({ id }) => String(id) === text);
  if (found === undefined) throw new RegistryError('schemaNotFound', `Schema ${text} not found`);
  return found;
}

function versionsOf(subject: string): CatalogEntry[] {
  const found = catalog().filter((entry) => entry.subject === subject);
  if (found.length === 0) throw new RegistryError('subjectNotFound', `Subject '${subject}' not found.`);
  return found;
}

const versionNumber = /^[1-9][0-9]{0,8}$/;

function versionOf({ subject, version }: z.infer<typeof OfVersion>): CatalogEntry {
  const latest = version === 'latest' || version === '-1';
  if (!latest && !versionNumber.test(version)) {
    throw new RegistryError(
      'invalidVersion',
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
    );
  }
  const versions = versionsOf(subject);
  const found = latest ? versions.at(-1) : versions.find((entry) => String(entry.version) === version);
  if (found === undefined) throw new RegistryError('versionNotFound', `Version ${version} not found.`);
  return found;
}

function lookUp(subject: string, schema: string): CatalogEntry {
  const essence = essenceOf(parsed(schema));
  const found = versionsOf(subject).find((entry) => essenceOf(parsed(entry.schema)) === essence);
  if (found === undefined) throw new RegistryError('schemaNotFound', 'Schema not found');
  return found;
}

function compatibility(schema: string, versions: readonly CatalogEntry[], query: Record<string, unknown>) {
  const next = parsed(schema);
  const messages = versions.flatMap((entry) => incompatibilities(next, entry));
  const verdict = { is_compatible: messages.length === 0 };
  return query['verbose'] === 'true' ? { ...verdict, messages } : verdict;
}

function parsed(schema: string) {
  try {
    return parseSchema(schema);
  } catch (error) {
    throw new RegistryError(
      'invalidSchema',
      `Invalid schema: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
