import { namedBy } from './named-lines.ts';

/** What commands cost, for COMMAND DOCS: the complexity, and after '=' the commands. */
const LINES = `
O(1) = acl|genpass acl|help acl|whoami acl|dryrun acl|cat acl|deluser asking bgrewriteaof bgsave blmove brpoplpush client|caching client|getname client|getredir client|help client|id client|info client|no-evict client|no-touch client|pause client|reply client|setinfo client|setname client|tracking client|trackinginfo cluster|bumpepoch cluster|countkeysinslot cluster|failover cluster|flushslots cluster|forget cluster|help cluster|info cluster|meet cluster|myid cluster|myshardid cluster|replicate cluster|saveconfig cluster|set-config-epoch cluster|setslot command|count command|help config|help config|resetstat config|rewrite dbsize decr decrby echo expire expireat expiretime failover function|delete function|help function|kill function|load function|stats geodist get getbit getdel getex getset hello hexists hget hincrby hincrbyfloat hlen hsetnx hstrlen incr incrby incrbyfloat info lastsave latency|doctor latency|graph latency|help latency|history latency|latest latency|reset llen lmove memory|doctor memory|help memory|stats module|help module|load module|loadex module|unload move multi object|encoding object|freq object|help object|idletime object|refcount persist pexpire pexpireat pexpiretime ping psetex pttl pubsub|help pubsub|numpat quit randomkey readonly readwrite rename renamenx replconf replicaof reset role rpoplpush scard script|debug script|help script|kill select set setbit setex setnx sismember slaveof slowlog|help slowlog|len smove strlen time ttl type unwatch wait waitaof xgroup|create xgroup|createconsumer xgroup|delconsumer xgroup|help xgroup|setid xinfo|consumers xinfo|groups xinfo|help xinfo|stream xlen xsetid zcard zscore
O(1) for each key = watch
O(1) for each element, O(N) for N of them = lpush lpushx rpush rpushx sadd pfadd
O(1) for each field, O(N) for N of them = hset
O(1) for each member = geohash geopos
O(1) for each ID = xack xdel
O(1) for each operation = bitfield bitfield_ro
O(1) for each key; freeing the value is O(N) in the background, N being its allocations = unlink
O(1) for each call, O(N) for the whole iteration, N being the number of elements = hscan scan sscan zscan
O(1) while COUNT is small = xautoclaim
O(1) to find the key and O(N*M) to write the value, N being its elements and M their average size = dump
O(1) to make the key and O(N*M) to read the value, N being its elements and M their average size; O(N*M*log(N)) for sorted sets = restore restore-asking
O(1) to add an entry, O(N) to trim N entries = xadd
O(1) for one key, O(N) for N keys with larger constant times = pfcount
O(1) for short values, otherwise O(M), M being the length of the value = setrange
O(1) amortized, while the appended value is small = append
O(1) without a count, otherwise O(N), N being the count = spop srandmember
O(N) where N is the length of the string = bitcount bitop bitpos
O(N) where N is the length of the returned string = getrange substr
O(N) where N is the number of paused clients = client|unpause
O(N) where N is the number of clients = client|kill client|list
O(log N) where N is the number of clients = client|unblock
O(N) where N is the number of clients that watch or wait for keys of both databases = swapdb
O(N) where N is the number of channels = pubsub|numsub pubsub|shardnumsub subscribe unsubscribe ssubscribe sunsubscribe
O(N) where N is the number of active channels = pubsub|channels pubsub|shardchannels
O(N) where N is the number of patterns = psubscribe punsubscribe
O(N) where N is the number of clients subscribed to the channel = spublish
O(N+M) where N is the number of clients subscribed to the channel and M the number of patterns of all clients = publish
O(N) where N is the number of parameters = config|get config|set
O(N) where N is the number of keys in all databases, if it saves = shutdown
O(N) where N is the number of keys in all databases = flushall save
O(N) where N is the number of keys in the database = flushdb keys
O(N) where N is the number of keys = del exists mget mset msetnx touch blpop brpop
O(N) where N is the number of arguments = command|getkeys command|getkeysandflags
O(N) where N is the length of the key = cluster|keyslot
O(N) where N is the number of commands asked for = command|docs command|info latency|histogram
O(N) where N is the number of all commands = command command|list
O(N) where N is the number of members = smismember srem zmscore
O(N) where N is the number of members returned = zrandmember
O(N) where N is the number of elements returned = lpop rpop
O(N) where N is the number of elements removed = ltrim
O(N) where N is the number of elements of the list = lpos
O(N) where N is the number of elements before the pivot = linsert
O(N) where N is the number of elements up to the index, from the nearer end = lindex
O(N) where N is the length of the list, O(1) for its ends = lset
O(N+M) where N is the length of the list and M the number of elements removed = lrem
O(S+N) where S is how far the start is from the nearer end and N the number of elements returned = lrange
O(N) where N is the number of pending entries of the group = xgroup|destroy
O(N) where N is the number of entries = slowlog|reset
O(N) where N is the number of entries returned = slowlog|get acl|log xrange xrevrange
O(M) for each stream, M being the number of entries returned = xread xreadgroup
O(N) where N is the number of entries returned; O(M) with IDLE, M being the number of entries looked at = xpending
O(N) where N is the number of entries removed = xtrim
O(log N) where N is the number of pending entries of the group = xclaim
O(N) where N is the number of failure reports = cluster|count-failure-reports
O(N) where N is the number of fields = hdel hmget hmset
O(N) where N is the number of fields returned = hrandfield
O(N) where N is the size of the hash = hgetall hkeys hvals
O(N) where N is the size of the set = smembers
O(N) where N is the number of elements of all the sets = sdiff sdiffstore sunion sunionstore
O(N*M) where N is the size of the smallest set and M the number of sets = sinter sintercard sinterstore zintercard
O(N) where N is the number of functions = function|dump function|flush function|list function|restore
O(N) where N is the number of known nodes = cluster|links cluster|nodes cluster|reset cluster|shards cluster|slots
O(N) where N is the number of replicas = cluster|replicas cluster|slaves
O(N) where N is the number of slots = cluster|addslots cluster|addslotsrange cluster|delslots cluster|delslotsrange
O(N) where N is the number of keys returned = cluster|getkeysinslot
O(N) where N is the number of modules = module|list
O(N) where N is the number of samples = memory|usage
O(N) where N is the number of passwords of the user = auth
O(N) where N is the number of users = acl|list acl|load acl|save acl|users
O(N) where N is the number of rules = acl|getuser acl|setuser
O(N) where N is the number of queued commands = discard
O(N) where N is the number of scripts = script|exists script|flush
O(N) where N is the length of the script = script|load
O(N) where N is the number of elements of the value, O(1) for strings = copy
O(N) to merge N HyperLogLogs, with large constant times = pfmerge
O(N*M) where N and M are the lengths of the two strings = lcs
O(N+M) where N is the number of keys and M the number of elements returned = blmpop lmpop
O(N+M*log(M)) where N is the number of elements to sort and M the number returned; O(N) without sorting = sort sort_ro
O(N+log(M)) where N is the number of members in the area's bounding box and M the number inside the area = georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore
O(log(N)) where N is the size of the sorted set = zrank zrevrank zincrby bzpopmax bzpopmin zcount zlexcount
O(log(N)) for each member, N being the size of the sorted set = geoadd zadd
O(M*log(N)) where N is the size of the sorted set and M the number of members removed = zpopmax zpopmin zrem
O(K)+O(M*log(N)) where K is the number of keys, N the size of the sorted set and M the number of members removed = bzmpop zmpop
O(log(N)+M) where N is the size of the sorted set and M the number of members returned = zrange zrevrange zrangebylex zrangebyscore zrevrangebylex zrevrangebyscore
O(log(N)+M) where N is the size of the sorted set and M the number of members removed = zremrangebylex zremrangebyrank zremrangebyscore
O(log(N)+M) where N is the size of the sorted set and M the number of members stored = zrangestore
O(L+(N-K)*log(N)) where L is the number of members of all the sets, N the size of the first and K that of the result = zdiff zdiffstore
O(N)+O(M*log(M)) where N is the number of members of all the sets and M the size of the result = zunion zunionstore
O(N*K)+O(M*log(M)) where N is the size of the smallest set, K the number of sets and M the size of the result = zinter zinterstore
A DUMP and DEL here, a RESTORE there, and O(N) for the transfer = migrate
What the commands of the transaction cost = exec
What the script costs = eval eval_ro evalsha evalsha_ro
What the function costs = fcall fcall_ro
What the subcommand costs = acl client cluster config debug function latency memory module object pubsub script slowlog xgroup xinfo
How much memory is allocated = memory|malloc-stats memory|purge
`;

let complexities: ReadonlyMap<string, string> | undefined;

/** What a command or subcommand costs, in big O notation; undefined where nothing is known to say. */
export function complexityOf(fullName: string): string | undefined {
  complexities ??= namedBy(LINES, (text) => text);
  return complexities.get(fullName);
}
