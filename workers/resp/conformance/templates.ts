/**
 * What the differential test sends, one line per form of a command. Words in braces are filled in at random: S H L T Z E are
 * keys that usually hold a string, hash, list, set, sorted set or stream, P a HyperLogLog, Q a stream nothing is deleted from one by one (7.2 refuses to set an ID below one that was), G places (y anywhere, o close together; r is a distance, u a unit), K is any key; j is a new and i an old ID of an
 * entry, e an end of a range of them, g a group; t a payload of DUMP, k a setting; q a script of one key and one argument, a a library; w a lifetime in seconds; v a value, m a member or field, n a small
 * integer, c a count, f a float, l one that only a long double holds, x a score bound, b a lexical bound, p a pattern, d a database. `[…]` is left out half of
 * the time, `a|b` is one of both. SCAN asks for a type only of keys that do not expire: of those that have 7.0 tells a miss.
 */
export const templates: readonly string[] = `
SET {S} {v} [NX|XX] [GET] [EX 1000|PX 1000000|KEEPTTL|EXAT 99999999999]
SET {S} {n}
SETNX {S} {v}
EVAL {q} 1 {K} {v}
EVAL {q} 1 {K} {v}
EVAL {q} 1 {S} {n}
EVAL_RO {q} 1 {K} {v}
EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db {n} {K}
SCRIPT LOAD return1|return
SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db {v}
SCRIPT FLUSH [SYNC|ASYNC]
SCRIPT KILL
FUNCTION LOAD [REPLACE] {a}
FUNCTION LOAD REPLACE {a}
FUNCTION DELETE la|lb|lc
FUNCTION LIST LIBRARYNAME la|lb|lc [WITHCODE]
FUNCTION STATS
FUNCTION KILL
FUNCTION DUMP
FUNCTION FLUSH [SYNC|ASYNC]
FUNCTION RESTORE {v} [FLUSH|APPEND|REPLACE]
FCALL fa|fb|fc|Fa 1 {K} {v}
FCALL fa|fb|fc {n} {K} {v}
FCALL_RO fa|fb|fc 1 {K} {v}
SETEX {S} 1000 {v}
PSETEX {S} 1000000 {v}
SETEX {S} {n} {v}
GET {S}
GETSET {S} {v}
GETDEL {S}
GETEX {S} [EX 1000|PERSIST|PX 1000000]
MGET {K} {K} {S}
MSET {S} {v} {S} {v}
MSETNX {S} {v} {S} {v}
INCR {S}
DECR {S}
INCRBY {S} {n}
DECRBY {S} {n}
INCRBYFLOAT {S} {l}
INCRBYFLOAT {S} {f}
APPEND {S} {v}
SETRANGE {S} {c} {v}
GETRANGE {S} {n} {n}
SUBSTR {S} {n} {n}
STRLEN {S}
LCS {S} {S} [LEN|IDX] [MINMATCHLEN {n}] [WITHMATCHLEN]
SETBIT {S} {c} 0|1
GETBIT {S} {c}
BITCOUNT {S} [{n} {n} [BYTE|BIT]]
BITPOS {S} 0|1 [{n} [{n} [BYTE|BIT]]]
BITOP AND|OR|XOR|NOT {S} {S} [{S}]
BITFIELD {S} [OVERFLOW WRAP|SAT|FAIL] INCRBY i5|u4|i64|u63 {c} {n} GET u8|i9 #{c} SET u2|i3 {c} {n}
BITFIELD_RO {S} GET u8|i16 {c}
DEL {K} {K}
UNLINK {K}
EXISTS {K} {K}
TOUCH {K} {K}
TYPE {K}
RENAME {K} {K}
RENAMENX {K} {K}
MOVE {K} {d}
COPY {K} {K} [DB {d}] [REPLACE]
SELECT {d}
SWAPDB {d} {d}
KEYS {p}
SCAN 0 COUNT 1000 [MATCH {p}]
SCAN 0 COUNT 1000 MATCH Q*|P*|G*|D* TYPE string|hash|list|set|zset|stream
DBSIZE
EXPIRE {K} {w} [NX|XX|GT|LT]
PEXPIRE {K} {w}000 [NX|XX|GT|LT]
EXPIRE {K} -1 [NX|XX|GT|LT]
EXPIREAT {K} 99999999999|1 [NX|XX|GT|LT]
PEXPIREAT {K} 99999999999999|1
TTL {K}
PTTL {K}
EXPIRETIME {K}
PEXPIRETIME {K}
PERSIST {K}
OBJECT ENCODING {K}
OBJECT REFCOUNT {H}
SORT {L} [LIMIT {n} {c}] [GET #|w_*|nope*] [ASC|DESC] [ALPHA] [STORE {L}]
SORT {L} BY {S}*|nosort [ASC|DESC] [ALPHA]
SORT_RO {T} ALPHA [DESC]
SORT {Z} BY nosort [DESC]
HSET {H} {m} {v} [{m} {n}]
HMSET {H} {m} {v} {m} {n}
HSETNX {H} {m} {v}
HGET {H} {m}
HMGET {H} {m} {m}
HDEL {H} {m} {m}
HLEN {H}
HSTRLEN {H} {m}
HKEYS {H}
HVALS {H}
HGETALL {H}
HEXISTS {H} {m}
HINCRBY {H} {m} {n}
HINCRBYFLOAT {H} {m} {l}
HINCRBYFLOAT {H} {m} {f}
HRANDFIELD {H} 1000 [WITHVALUES]
HRANDFIELD {H} [{n}] [WITHVALUES]
HSCAN {H} 0 COUNT 1000 [MATCH {p}]
LPUSH {L} {v} {n}
RPUSH {L} {v} {v} {n}
LPUSHX {L} {v}
RPUSHX {L} {v}
LPOP {L} [{n}]
RPOP {L} [{n}]
LLEN {L}
LRANGE {L} {n} {n}
LINDEX {L} {n}
LSET {L} {n} {v}
LTRIM {L} {n} {n}
LREM {L} {n} {v}
LINSERT {L} BEFORE|AFTER {v} {v}
LPOS {L} {v} [RANK {n}] [COUNT {n}] [MAXLEN {n}]
LMOVE {L} {L} LEFT|RIGHT LEFT|RIGHT
RPOPLPUSH {L} {L}
LMPOP 2 {L} {L} LEFT|RIGHT [COUNT {n}]
BLPOP {L} {L} 0.001
BRPOP {L} 0.001
BLMOVE {L} {L} LEFT|RIGHT LEFT|RIGHT 0.001
BRPOPLPUSH {L} {L} 0.001
BLMPOP 0.001 2 {L} {L} LEFT|RIGHT [COUNT {n}]
SADD {T} {m} {n} {v}
SADD {T} {n} {n}
SREM {T} {m} {n}
SISMEMBER {T} {m}
SMISMEMBER {T} {m} {n}
SCARD {T}
SMEMBERS {T}
SMOVE {T} {T} {m}
SPOP {T} 1000
SPOP {T} 0
SRANDMEMBER {T} 1000
SRANDMEMBER {T} [{n}]
SINTER {T} {T}
SUNION {T} {T} [{T}]
SDIFF {T} {T}
SINTERSTORE {T} {T} {T}
SUNIONSTORE {T} {T} {T}
SDIFFSTORE {T} {T} {T}
SINTERCARD 2 {T} {T} [LIMIT {n}]
SSCAN {T} 0 COUNT 1000 [MATCH {p}]
ZADD {Z} [NX|XX] [GT|LT] [CH] {f} {m} [{f} {m}]
ZADD {Z} {n} {m} {n} {m} {f} {v}
ZADD {Z} INCR {f} {m}
ZADD {X} 0 {m} 0 {m} 0 {m}
ZREM {X} {m} {m}
ZCARD {X}
ZRANGE {X} 0 -1
ZINCRBY {Z} {f} {m}
ZREM {Z} {m} {m}
ZSCORE {Z} {m}
ZMSCORE {Z} {m} {m}
ZCARD {Z}
ZCOUNT {Z} {x} {x}
ZLEXCOUNT {X} {b} {b}
ZRANK {Z} {m}
ZREVRANK {Z} {m}
ZRANGE {Z} {n} {n} [REV] [WITHSCORES]
ZRANGE {Z} {x} {x} BYSCORE [REV] [LIMIT {n} {n}] [WITHSCORES]
ZRANGE {X} {b} {b} BYLEX [REV] [LIMIT {n} {n}]
ZRANGESTORE {Z} {Z} {x} {x} BYSCORE [REV] [LIMIT {n} {n}]
ZRANGESTORE {Z} {Z} {n} {n} [REV]
ZREVRANGE {Z} {n} {n} [WITHSCORES]
ZRANGEBYSCORE {Z} {x} {x} [WITHSCORES] [LIMIT {n} {n}]
ZREVRANGEBYSCORE {Z} {x} {x} [WITHSCORES] [LIMIT {n} {n}]
ZRANGEBYLEX {X} {b} {b} [LIMIT {n} {n}]
ZREVRANGEBYLEX {X} {b} {b} [LIMIT {n} {n}]
ZREMRANGEBYRANK {Z} {n} {n}
ZREMRANGEBYSCORE {Z} {x} {x}
ZREMRANGEBYLEX {X} {b} {b}
ZUNION 2 {Z} {Z} [WEIGHTS {n} {f}] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]
ZINTER 2 {Z} {T} [WEIGHTS {n} {f}] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]
ZDIFF 2 {Z} {Z} [WITHSCORES]
ZUNIONSTORE {Z} 2 {Z} {T} [WEIGHTS {n} {f}] [AGGREGATE SUM|MIN|MAX]
ZINTERSTORE {Z} 2 {Z} {Z} [AGGREGATE SUM|MIN|MAX]
ZDIFFSTORE {Z} 2 {Z} {Z}
ZINTERCARD 2 {Z} {Z} [LIMIT {n}]
ZPOPMIN {Z} [{n}]
ZPOPMAX {Z} [{n}]
BZPOPMIN {Z} {Z} 0.001
BZPOPMAX {Z} 0.001
ZMPOP 2 {Z} {Z} MIN|MAX [COUNT {n}]
BZMPOP 0.001 2 {Z} {Z} MIN|MAX [COUNT {n}]
ZRANDMEMBER {Z} 1000 [WITHSCORES]
ZRANDMEMBER {Z} [{n}] [WITHSCORES]
ZSCAN {Z} 0 COUNT 1000 [MATCH {p}]
PFADD {P} {v} {v} {v}
PFADD {P} {n} {m} {f} {c} {n} {n} {v} {v} {f} {f}
PFADD {P}
PFCOUNT {P} [{P}]
PFMERGE {P} {P} [{P}]
GET {P}
STRLEN {P}
DEL {P}
GEOADD {G} [NX|XX] [CH] {o} {m} {o} {m}
GEOADD {G} {y} {m} {y} {m} {o} {m}
GEOADD {G} {f} {f} {v}
GEOPOS {G} {m} {m}
GEOHASH {G} {m} {m}
GEODIST {G} {m} {m} [{u}]
GEOSEARCH {G} FROMLONLAT {o} BYRADIUS {r} {u} [ASC|DESC] [COUNT {c}] [WITHCOORD] [WITHDIST] [WITHHASH]
GEOSEARCH {G} FROMLONLAT {y} BYRADIUS {r} km [ASC|DESC] [WITHDIST]
GEOSEARCH {G} FROMMEMBER {m} BYBOX {r} {r} {u} [ASC|DESC] [COUNT {c} [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]
GEOSEARCH {G} FROMLONLAT {y} BYBOX {r} {r} km
GEOSEARCHSTORE {G} {G} FROMLONLAT {o} BYRADIUS {r} km [COUNT {c}]
GEOSEARCHSTORE D1 {G} FROMMEMBER {m} BYBOX {r} {r} mi [STOREDIST]
GEORADIUS {G} {o} {r} {u} [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT {c} [ANY]] [ASC|DESC]
GEORADIUS {G} {y} {r} km STORE {G}
GEORADIUS_RO {G} {o} {r} {u} ASC
GEORADIUSBYMEMBER {G} {m} {r} {u} [WITHDIST] [ASC|DESC] [STOREDIST D1]
GEORADIUSBYMEMBER_RO {G} {m} {r} {u} [WITHCOORD] [COUNT {c}]
ZREM {G} {m} {m}
ZRANGE D1 0 -1
ZRANGE {G} 0 -1 WITHSCORES
COMMAND GETKEYS GEORADIUS {m} 1 1 1 km STORE {v}
XADD {E} {j} {m} {v}
XADD {E} {j} {m} {v} {m} {n}
XADD {E} {j} a {n}
XADD {E} [NOMKSTREAM] {j} {m} {v}
XADD {E} MAXLEN|MAXLEN [~|=] {c} [LIMIT {c}] {j} {m} {v}
XADD {E} MINID [~|=] {i} {j} {m} {v}
XADD {E} {i} {m} {v}
XTRIM {E} MAXLEN [~|=] {c} [LIMIT {n}]
XTRIM {E} MINID [~|=] {i} [LIMIT {n}]
XLEN {E}
XRANGE {E} {e} {e} [COUNT {n}]
XREVRANGE {E} {e} {e} [COUNT {n}]
XRANGE {E} - +
XDEL {E} {i} {i} {i}
XADD Q{d} {j} a {n}
XSETID Q{d} {j} [ENTRIESADDED {c}] [MAXDELETEDID 0-0]
XINFO STREAM Q{d}
DEL Q{d}
XREAD [COUNT {n}] [BLOCK 1] STREAMS {E} {E} {i} 0
XREAD [COUNT {n}] STREAMS {E} $
XGROUP CREATE {E} {g} {i}|$|0 [MKSTREAM] [ENTRIESREAD {n}]
XGROUP CREATE {E} {g} 0 MKSTREAM
XGROUP SETID {E} {g} {i}|$|0 [ENTRIESREAD {n}]
XGROUP DESTROY {E} h
XGROUP CREATECONSUMER {E} {g} {m}
XGROUP DELCONSUMER {E} {g} a|b|c
XREADGROUP GROUP {g} a|b|c [COUNT {n}] [BLOCK 1] [NOACK] STREAMS {E} >
XREADGROUP GROUP {g} a|b [COUNT {n}] STREAMS {E} {E} > >
XREADGROUP GROUP {g} a|b|c [COUNT {n}] STREAMS {E} {i}|0
XACK {E} {g} {i} {i} {i}
XPENDING {E} {g}
XPENDING {E} {g} [IDLE 0|9999999] {e} {e} {c} [a|b|c]
XCLAIM {E} {g} a|b|c 0|9999999 {i} {i} {i} [IDLE 5000|TIME 1000] [RETRYCOUNT {c}] [FORCE] [JUSTID] [LASTID {i}]
XAUTOCLAIM {E} {g} a|b|c 0|9999999 {e} [COUNT {c}] [JUSTID]
XINFO STREAM {E} [FULL [COUNT {n}]]
XINFO GROUPS {E}
XINFO CONSUMERS {E} {g}
XINFO HELP
XGROUP HELP
DUMP nosuch
MULTI
EXEC
EXEC
DISCARD
WATCH {K} {K}
UNWATCH
PING [{v}]
ECHO {v}
PUBLISH {m} {v}
PUBSUB NUMSUB {m}
WAIT 0 {c}
FLUSHDB
COMMAND COUNT {v}
COMMAND GETKEYS MSET {v} {v}
COMMAND GETKEYS ZUNIONSTORE {Z} 2 {v} {v}
ACL SETUSER u{d} [on|off] [>{m}|<{m}|nopass|resetpass] [+@all|-@all|+@read|+@write|-@write|+get|-set|+config|+client|id|-@dangerous|+select|0] [~{p}|%R~S*|%W~{K}|%RW~Z1|allkeys|resetkeys] [&{m}|allchannels|&a*] [+hget|-@hash|+@hash|-acl]
ACL SETUSER u{d} (+@all {p}) (~S* +@string) [clearselectors]
ACL SETUSER u{d} reset [{v}] [{v}]
ACL GETUSER u{d}
ACL DELUSER u{d} [u{d}]
ACL DRYRUN u{d} GET|SET|TYPE|DEL|COPY|SUBSCRIBE|PSUBSCRIBE|HGET|CONFIG|SELECT|ACL|CLIENT {K} [{K}]
ACL DRYRUN u{d} SET {S} {v} [GET]
ACL DRYRUN u{d} ZUNIONSTORE {Z} 2 {Z} {T}
ACL DRYRUN u{d} SORT {L} STORE {L}
ACL DRYRUN u{d} BITFIELD {S} GET u8 0 [SET u8 0 1]
ACL DRYRUN u{d} CLIENT ID|KILL
ACL DRYRUN u{d} PUBLISH {m} {m}
ACL CAT {v}
ACL LOG [RESET|{n}]
ACL GENPASS {n}
ACL WHOAMI
ACL SAVE
CLIENT GETNAME
CLIENT NOSUCH
ACL|CLIENT|COMMAND|CONFIG|LATENCY|MEMORY|OBJECT|PUBSUB|SLOWLOG HELP [{v}]
CONFIG SET nosuch {v}
NOSUCH {v} {v}
OBJECT FREQ {K}
OBJECT IDLETIME {K}
HELLO [2|3|4] [SETNAME {m}]
RESTORE|RESTORE-ASKING {K} 0|{w}000 {t} [REPLACE] [IDLETIME {c}]
RESTORE {K} 99999999999999 {t} [REPLACE] ABSTTL
DEBUG DIGEST-VALUE {K} {K}
FLUSHALL [SYNC|ASYNC]
LASTSAVE {v}
MEMORY USAGE {K} [SAMPLES {n}]
MEMORY STATS|DOCTOR|PURGE
SPUBLISH {m} {v}
PUBSUB CHANNELS|SHARDCHANNELS [{p}]
PUBSUB SHARDNUMSUB {m} {m}
PUBSUB NUMPAT
TIME
ROLE
INFO [nosuch|server|keyspace|commandstats|everything]
CONFIG GET {k}
CONFIG SET {k} {c}
CONFIG SET notify-keyspace-events KE$glshzxm|K$l|Ehz|KEgsx|KEm|K
CONFIG RESETSTAT
CONFIG REWRITE
SLOWLOG GET [{n}]
SLOWLOG LEN
SLOWLOG RESET
LATENCY LATEST|DOCTOR
LATENCY HISTORY|GRAPH {m}
LATENCY RESET [{m}]
LATENCY HISTOGRAM {v}
LOLWUT VERSION {c}
PFDEBUG ENCODING|GETREG|TODENSE {P}
CLIENT ID|INFO
CLIENT LIST [TYPE normal|pubsub|nosuch]
CLIENT KILL ID 99999{c}
CLIENT KILL {v} [{v}]
CLIENT SETNAME {v}
CLIENT NO-EVICT ON|OFF|{v}
CLIENT REPLY ON
CLIENT PAUSE abc|-1 [WRITE|ALL|abc]
CLIENT UNPAUSE
CLIENT UNBLOCK 99999{c} [TIMEOUT|ERROR|{v}]
CLIENT GETREDIR|TRACKINGINFO
CLIENT TRACKING OFF [BCAST|NOLOOP|{v}]
CLIENT CACHING YES|NO|{v}
ACL USERS|LIST|LOAD
SCRIPT|FUNCTION HELP
COMMAND INFO|DOCS {v} nosuch
COMMAND LIST FILTERBY MODULE|ACLCAT {v}
COMMAND GETKEYSANDFLAGS SET|DEL|COPY|SORT|LMOVE|ZUNIONSTORE|EVAL {K} {n} {K} [GET]
`
  .trim()
  .split('\n');
