import { eventLogContract } from '../testing/contract.ts';
import { openStore } from './testing/store.ts';

eventLogContract('EventStoreDB', openStore);
