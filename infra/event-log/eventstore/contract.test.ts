import { openStore } from '#test/tools/eventstore-log.ts';

import { eventLogContract } from '../testing/contract.ts';

eventLogContract('EventStoreDB', openStore);
