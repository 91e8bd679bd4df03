import persistent from '@eventstore/db-client/generated/persistent_pb.js';
import type {
  CreateReq,
  CreateResp,
  DeleteReq,
  DeleteResp,
  GetInfoReq,
  GetInfoResp,
  ListReq,
  ListResp,
  ReadReq,
  ReadResp,
  ReplayParkedReq,
  ReplayParkedResp,
  SubscriptionInfo,
  UpdateReq,
  UpdateResp,
} from '@eventstore/db-client/generated/persistent_pb.js';
import type { StreamIdentifier } from '@eventstore/db-client/generated/shared_pb.js';
import type { sendUnaryData, ServerDuplexStream, ServerUnaryCall } from '@grpc/grpc-js';

import { answer } from './appends.ts';
import { admit, type Surroundings } from './calls.ts';
import { filterOf } from './filters.ts';
import { openGroup, type Delivery, type Group, type GroupOptions, type Subscriber, type Verdict } from './group.ts';
import type { Journal } from './journal.ts';
import { errors, fillRecorded, idOf, streamNameOf } from './replies.ts';

type Unary<Request, Response> = (call: ServerUnaryCall<Request, Response>, reply: sendUnaryData<Response>) => void;

interface Named {
  hasAll(): boolean;
  getStreamIdentifier(): StreamIdentifier | undefined;
}

const sourceOf = (options: Named): string => (options.hasAll() ? '$all' : streamNameOf(options.getStreamIdentifier()));

/** The service of persistent subscriptions. */
export function openGroups(journal: Journal, surroundings: Surroundings) {
  const groups = new Map<string, Group>();
  const keyOf = (source: string, name: string) => `${source}::${name}`;

  function existing(source: string, name: string): Group {
    const group = groups.get(keyOf(source, name));
    if (group === undefined) throw errors.groupMissing(source, name);
    return group;
  }

  const create: Unary<CreateReq, CreateResp> = (call, reply) =>
    answer(reply, () => {
      const options = optionsOf(call.request.getOptions());
      admit(surroundings, call.metadata, 'createGroup', options.source);
      const key = keyOf(options.source, options.name);
      if (groups.has(key)) throw errors.groupExists(options.source, options.name);
      groups.set(key, openGroup(journal, options));
      return new persistent.CreateResp();
    });

  const update: Unary<UpdateReq, UpdateResp> = (call, reply) =>
    answer(reply, () => {
      const options = optionsOf(call.request.getOptions());
      admit(surroundings, call.metadata, 'updateGroup', options.source);
      const before = existing(options.source, options.name);
      before.close();
      const updated = { ...options, filter: before.options.filter };
      groups.set(keyOf(options.source, options.name), openGroup(journal, updated));
      return new persistent.UpdateResp();
    });

  const remove: Unary<DeleteReq, DeleteResp> = (call, reply) =>
    answer(reply, () => {
      const options = call.request.getOptions() ?? new persistent.DeleteReq.Options();
      const [source, name] = [sourceOf(options), options.getGroupName()];
      admit(surroundings, call.metadata, 'deleteGroup', source);
      existing(source, name).close();
      groups.delete(keyOf(source, name));
      return new persistent.DeleteResp();
    });

  const getInfo: Unary<GetInfoReq, GetInfoResp> = (call, reply) =>
    answer(reply, () => {
      const options = call.request.getOptions() ?? new persistent.GetInfoReq.Options();
      admit(surroundings, call.metadata, 'groupInfo', sourceOf(options));
      return new persistent.GetInfoResp().setSubscriptionInfo(
        infoOf(existing(sourceOf(options), options.getGroupName())),
      );
    });

  const list: Unary<ListReq, ListResp> = (call, reply) =>
    answer(reply, () => {
      const one = call.request.getOptions()?.getListForStream();
      const source = one === undefined ? null : one.hasAll() ? '$all' : streamNameOf(one.getStream());
      admit(surroundings, call.metadata, 'listGroups', source ?? '$all');
      const wanted = [...groups.values()].filter(({ options }) => source === null || options.source === source);
      if (wanted.length === 0) throw errors.groupMissing(source ?? '', '');
      return new persistent.ListResp().setSubscriptionsList(wanted.map(infoOf));
    });

  const replayParked: Unary<ReplayParkedReq, ReplayParkedResp> = (call, reply) =>
    answer(reply, () => {
      const options = call.request.getOptions() ?? new persistent.ReplayParkedReq.Options();
      admit(surroundings, call.metadata, 'replayParked', sourceOf(options));
      const limit = options.hasStopAt() ? Number(options.getStopAt()) : Infinity;
      existing(sourceOf(options), options.getGroupName()).replayParked(limit);
      return new persistent.ReplayParkedResp();
    });

  const read = (call: ServerDuplexStream<ReadReq, ReadResp>): void => {
    let leave = (): void => {};
    let group: Group | undefined;
    call.on('data', (request: ReadReq) => {
      try {
        const options = request.getOptions();
        if (options !== undefined) {
          const source = sourceOf(options);
          admit(surroundings, call.metadata, 'readGroup', source);
          group = existing(source, options.getGroupName());
          leave = join(call, group, options.getBufferSize());
        }
        for (const id of request.getAck()?.getIdsList() ?? []) group?.settle(idOf(id), 'ack');
        const nack = request.getNack();
        for (const id of nack?.getIdsList() ?? []) group?.settle(idOf(id), verdictOf(nack?.getAction()));
      } catch (error) {
        call.emit('error', error);
      }
    });
    call.on('cancelled', () => leave());
    call.on('end', () => {
      leave();
      call.end();
    });
    call.on('error', () => leave());
  };

  return { create, update, delete: remove, getInfo, list, replayParked, read };
}

function join(call: ServerDuplexStream<ReadReq, ReadResp>, group: Group, capacity: number): () => void {
  const { source, name } = group.options;
  const subscriber: Subscriber = {
    capacity,
    connection: String(call.metadata.get('connection-name')[0] ?? ''),
    deliver: (delivery) => void call.write(deliveryReply(delivery)),
    drop: () => void call.emit('error', errors.groupDropped(source, name)),
  };
  if (!group.join(subscriber)) throw errors.groupFull(source, name);
  const confirmation = new persistent.ReadResp.SubscriptionConfirmation().setSubscriptionId(`${source}::${name}`);
  call.write(new persistent.ReadResp().setSubscriptionConfirmation(confirmation));
  return () => group.leave(subscriber);
}

function deliveryReply({ record, retries }: Delivery): ReadResp {
  const event = new persistent.ReadResp.ReadEvent();
  event.setEvent(fillRecorded(new persistent.ReadResp.ReadEvent.RecordedEvent(), record));
  event.setCommitPosition(String(record.position));
  return new persistent.ReadResp().setEvent(event.setRetryCount(retries));
}

function verdictOf(action: ReadReq.Nack.Action | undefined): Verdict {
  const { PARK, SKIP, STOP } = persistent.ReadReq.Nack.Action;
  if (action === PARK) return 'park';
  if (action === SKIP) return 'skip';
  return action === STOP ? 'stop' : 'retry';
}

function optionsOf(options: CreateReq.Options | UpdateReq.Options | undefined): GroupOptions {
  const settings = options?.getSettings();
  if (options === undefined || settings === undefined) throw errors.invalidArgument('options');
  const all = options.getAll();
  const stream = options.getStream();
  const filter = all !== undefined && 'getFilter' in all ? all.getFilter() : undefined;
  const position = all?.getPosition()?.getCommitPosition();
  const revision = stream?.hasRevision() === true ? stream.getRevision() : undefined;
  const start = position ?? revision;
  return {
    source: all === undefined ? streamNameOf(stream?.getStreamIdentifier() ?? options.getStreamIdentifier()) : '$all',
    name: options.getGroupName(),
    from: start !== undefined ? BigInt(start) : (all ?? stream)?.hasEnd() === true ? 'end' : 'start',
    filter: filterOf(filter),
    maxRetryCount: settings.getMaxRetryCount(),
    maxSubscriberCount: settings.getMaxSubscriberCount(),
    messageTimeoutMs: settings.getMessageTimeoutMs(),
    strategy: 'getConsumerStrategy' in settings ? settings.getConsumerStrategy() : 'RoundRobin',
  };
}

function infoOf(group: Group): SubscriptionInfo {
  const { source, name, maxRetryCount, maxSubscriberCount, messageTimeoutMs, strategy } = group.options;
  const info = new persistent.SubscriptionInfo().setEventSource(source).setGroupName(name).setStatus('Live');
  info.setMaxRetryCount(maxRetryCount).setMaxSubscriberCount(maxSubscriberCount).setNamedConsumerStrategy(strategy);
  info.setMessageTimeoutMilliseconds(messageTimeoutMs).setTotalInFlightMessages(group.inFlight);
  info.setOutstandingMessagesCount(group.inFlight).setParkedMessageCount(String(group.parked));
  for (const counter of ['setTotalItems', 'setCountSinceLastMeasurement', 'setLiveBufferCount'] as const)
    info[counter]('0');
  info.setStartFrom(source === '$all' ? 'C:0/P:0' : '0');
  for (const { connection } of group.subscribers) {
    const one = new persistent.SubscriptionInfo.ConnectionInfo().setConnectionName(connection);
    info.addConnections(one.setTotalItems('0').setCountSinceLastMeasurement('0'));
  }
  return info;
}
