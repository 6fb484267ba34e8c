/** What clients send wrong, each with the status and code that it is answered with. */
import { batchOf, crc32c, encodeWireBatch } from '../../../src/record/index.ts'
import { rawRequest } from '../../support/httpStubSocket.ts'

export const KiB = 1024
/** Of the listener that the table is for. */
export const BODY_BYTES_MAX = 256 * KiB
const JSON_TYPE = 'content-type: application/json'
const RAW_TYPE = 'content-type: application/vnd.goqueue.records'

/** Of the topic that the table is for. */
export const RECORD_BYTES_MAX = 100 * KiB

export type Case = readonly [name: string, bytes: Uint8Array | string, status: number, code: string]

export const publish = (body: string | Uint8Array, ...headers: string[]): Buffer =>
  rawRequest('POST /topics/t/messages', headers.length > 0 ? headers : [JSON_TYPE], body)
const messages = (...list: unknown[]): Buffer => publish(JSON.stringify({ messages: list }))
export const get = (path: string): Buffer => rawRequest(`GET ${path}`)
const read = (query: string): Buffer => get(`/topics/t/partitions/0/messages?${query}`)
const create = (body: unknown): Buffer =>
  rawRequest('POST /topics', [JSON_TYPE], typeof body === 'string' ? body : JSON.stringify(body))

const BAD = 'INVALID_REQUEST'
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [i, '']))

const JSON_BODIES: readonly Case[] = [
  ['an empty body', publish(''), 400, BAD],
  ['no content type', publish('{}', 'x: y'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  [
    'a form',
    publish('a=b', 'content-type: application/x-www-form-urlencoded'),
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  ['plain text', publish('{}', 'content-type: text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  [
    'half a content type',
    publish('{}', 'content-type: application/'),
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'a compressed body',
    publish('{}', JSON_TYPE, 'content-encoding: gzip'),
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  ['words', publish('not json'), 400, BAD],
  ['JSON cut short', publish('{"messages":[{"value":"a"'), 400, BAD],
  ['something behind the JSON', publish('{"messages":[{"value":"a"}]}{}'), 400, BAD],
  ['single quotes', publish("{'messages':[{'value':'a'}]}"), 400, BAD],
  ['a comment', publish('{"messages":[{"value":"a"}] /* all */}'), 400, BAD],
  ['NaN', publish('{"messages":[{"value":NaN}]}'), 400, BAD],
  ['a line break in a string', publish('{"messages":[{"value":"a\nb"}]}'), 400, BAD],
  ['a byte order mark', publish('\ufeff{"messages":[{"value":"a"}]}'), 400, BAD],
  ['UTF-16', publish(Buffer.from('{"messages":[{"value":"a"}]}', 'utf16le')), 400, BAD],
  [
    'bytes that are not UTF-8',
    publish(Buffer.from('{"messages":[{"value":"\xff"}]}', 'latin1')),
    400,
    BAD,
  ],
  [
    'an overlong NUL',
    publish(Buffer.from('{"messages":[{"value":"\xc0\x80"}]}', 'latin1')),
    400,
    BAD,
  ],
  ['half a surrogate pair', publish('{"messages":[{"value":"\\ud800"}]}'), 400, BAD],
  ['a list at the top', publish('[{"value":"a"}]'), 400, BAD],
  ['null at the top', publish('null'), 400, BAD],
  ['a string at the top', publish('"messages"'), 400, BAD],
  ['brackets without an end', publish('['.repeat(100_000)), 400, BAD],
  ['no messages', publish('{"acks":"all"}'), 400, BAD],
  ['messages that are null', publish('{"messages":null}'), 400, BAD],
  ['messages that are an object', publish('{"messages":{"value":"a"}}'), 400, BAD],
  ['messages that are a string', publish('{"messages":"a"}'), 400, BAD],
  ['an empty list', messages(), 400, BAD],
  [
    'messages twice, the last one empty',
    publish('{"messages":[{"value":"a"}],"messages":[]}'),
    400,
    BAD,
  ],
  ['messages in __proto__', publish('{"__proto__":{"messages":[{"value":"a"}]}}'), 400, BAD],
  [
    'messages in constructor.prototype',
    publish('{"constructor":{"prototype":{"messages":[]}}}'),
    400,
    BAD,
  ],
  ['a message that is null', messages(null), 400, BAD],
  ['a message that is a number', messages(1), 400, BAD],
  ['a message that is a list', messages([]), 400, BAD],
  ['a message without a value', messages({ key: 'a' }), 400, BAD],
  ['a value in __proto__', publish('{"messages":[{"__proto__":{"value":"a"}}]}'), 400, BAD],
  ['one bad message among good ones', messages({ value: 'a' }, { value: 'b' }, {}), 400, BAD],
  ['a key that is a number', messages({ key: 1, value: '' }), 400, BAD],
  ['a key that is an object', messages({ key: {}, value: '' }), 400, BAD],
  [
    'a key of 70,000 bytes',
    messages({ key: 'k'.repeat(70_000), value: '' }),
    413,
    'RECORD_TOO_LARGE',
  ],
  [
    'a value over the limit of the topic',
    messages({ value: 'v'.repeat(101 * KiB) }),
    413,
    'RECORD_TOO_LARGE',
  ],
  [
    'an object over the limit of the topic',
    messages({ value: { v: 'v'.repeat(101 * KiB) } }),
    413,
    'RECORD_TOO_LARGE',
  ],
  ['a partition in quotes', messages({ value: '', partition: '0' }), 400, BAD],
  ['a partition below 0', messages({ value: '', partition: -1 }), 400, BAD],
  ['half a partition', messages({ value: '', partition: 0.5 }), 400, BAD],
  ['an absurd partition', messages({ value: '', partition: 1e99 }), 400, BAD],
  [
    'a partition that there is not',
    messages({ value: '', partition: 2 }),
    404,
    'PARTITION_NOT_FOUND',
  ],
  [
    'one such partition among good ones',
    messages({ value: '', partition: 1 }, { value: '', partition: 9 }),
    404,
    'PARTITION_NOT_FOUND',
  ],
  ['an unknown priority', messages({ value: '', priority: 'urgent' }), 400, BAD],
  ['a priority beyond the last', messages({ value: '', priority: 5 }), 400, BAD],
  ['a priority that is true', messages({ value: '', priority: true }), 400, BAD],
  ['headers in a list', messages({ value: '', headers: ['a'] }), 400, BAD],
  ['a header that is a number', messages({ value: '', headers: { a: 1 } }), 400, BAD],
  ['65 headers', messages({ value: '', headers: many(65) }), 400, BAD],
  [
    'headers of 70,000 bytes',
    messages({ value: '', headers: { a: 'h'.repeat(70_000) } }),
    413,
    'RECORD_TOO_LARGE',
  ],
  ['an unknown encoding', messages({ value: '', encoding: 'hex' }), 400, BAD],
  ['base64 that is none', messages({ value: 'a*b=', encoding: 'base64' }), 400, BAD],
  ['base64 without its end', messages({ value: 'AAE', encoding: 'base64' }), 400, BAD],
  ['an object as base64', messages({ value: {}, encoding: 'base64' }), 400, BAD],
  ['a delay that is none', messages({ value: '', delay: 'soon' }), 400, BAD],
  ['a delay below 0', messages({ value: '', delay: -1 }), 400, BAD],
  ['a delay beyond all time', messages({ value: '', delay: 9e15 }), 400, BAD],
  [
    'a delivery time that is none',
    messages({ value: '', deliverAt: '2026-02-30T00:00:00Z' }),
    400,
    BAD,
  ],
  ['unknown acks', publish('{"messages":[{"value":""}],"acks":"most"}'), 400, BAD],
  ['acks that are a number', publish('{"messages":[{"value":""}],"acks":-1}'), 400, BAD],
  ['a body over the limit', publish(`"${'x'.repeat(BODY_BYTES_MAX)}"`), 413, 'REQUEST_TOO_LARGE'],
]

const PATHS: readonly Case[] = [
  ['a topic that there is not', get('/topics/nope'), 404, 'TOPIC_NOT_FOUND'],
  [
    'reading a topic that there is not',
    get('/topics/nope/partitions/0/messages'),
    404,
    'TOPIC_NOT_FOUND',
  ],
  [
    'a partition that there is not',
    get('/topics/t/partitions/2/messages'),
    404,
    'PARTITION_NOT_FOUND',
  ],
  ['an absurd partition', get('/topics/t/partitions/99999999999999999999/messages'), 400, BAD],
  ['a partition below 0', get('/topics/t/partitions/-1/messages'), 400, BAD],
  ['a partition with a zero in front', get('/topics/t/partitions/00/messages'), 400, BAD],
  [
    'a partition that is a word',
    get('/topics/t/partitions/all/offset?time=2026-01-01T00:00:00Z'),
    400,
    BAD,
  ],
  ['..', get('/topics/..'), 400, 'INVALID_TOPIC_NAME'],
  ['%2e%2e', get('/topics/%2e%2e/messages'), 400, 'INVALID_TOPIC_NAME'],
  ['a way up and out', get('/topics/..%2f..%2f..%2fetc%2fpasswd'), 400, 'INVALID_TOPIC_NAME'],
  ['a way up, twice encoded', get('/topics/%252e%252e%252f'), 400, 'INVALID_TOPIC_NAME'],
  ['a backslash', get('/topics/..%5c..'), 400, 'INVALID_TOPIC_NAME'],
  ['NUL', get('/topics/t%00'), 400, 'INVALID_TOPIC_NAME'],
  ['a line break', get('/topics/t%0d%0ax: y'), 400, BAD],
  ['a space', get('/topics/t%20t'), 400, 'INVALID_TOPIC_NAME'],
  ['letters beyond ASCII, encoded', get('/topics/%C3%A9'), 400, 'INVALID_TOPIC_NAME'],
  ['letters beyond ASCII, as they are', get('/topics/é'), 400, BAD],
  ['percent and no digits', get('/topics/%zz'), 400, BAD],
  ['percent and bytes that are no text', get('/topics/%ff%fe'), 400, BAD],
  ['a name of 250 characters', get(`/topics/${'a'.repeat(250)}`), 400, 'INVALID_TOPIC_NAME'],
  ['a name of 2,000 characters', get(`/topics/${'a'.repeat(2000)}`), 400, BAD],
  ['an internal name', get('/topics/__groups'), 400, 'INVALID_TOPIC_NAME'],
  ['no name', get('/topics//messages'), 400, 'INVALID_TOPIC_NAME'],
  ['dots in the way', get('/topics/t/../t/messages'), 404, 'ROUTE_NOT_FOUND'],
  ['a slash too many', get('//topics'), 404, 'ROUTE_NOT_FOUND'],
  ['the version twice', get('/v1/v1/topics'), 404, 'ROUTE_NOT_FOUND'],
  ['no such route', get('/nope'), 404, 'ROUTE_NOT_FOUND'],
  [
    'files beside the page',
    get('/docs/static/..%2f..%2f..%2fpackage.json'),
    404,
    'ROUTE_NOT_FOUND',
  ],
  ['a method that is not answered', rawRequest('PUT /topics/t'), 405, 'METHOD_NOT_ALLOWED'],
  [
    'a method that is not answered, with a body',
    rawRequest('PUT /v1/topics', [JSON_TYPE], '{}'),
    405,
    'METHOD_NOT_ALLOWED',
  ],
  ['a method of a file server', rawRequest('PROPFIND /topics'), 405, 'METHOD_NOT_ALLOWED'],
]

const QUERIES: readonly Case[] = [
  ['an offset below 0', read('offset=-1'), 400, BAD],
  ['an offset that is a word', read('offset=first'), 400, BAD],
  ['half an offset', read('offset=0.5'), 400, BAD],
  ['an offset with an exponent', read('offset=1e3'), 400, BAD],
  ['an offset beyond numbers', read(`offset=${'9'.repeat(30)}`), 400, BAD],
  ['an offset beyond the end', read('offset=9007199254740991'), 416, 'OFFSET_OUT_OF_RANGE'],
  ['an offset twice', read('offset=0&offset=1'), 400, BAD],
  ['an offset and a time', read('offset=0&from_time=2026-01-01T00:00:00Z'), 400, BAD],
  ['limit 0', read('limit=0'), 400, BAD],
  ['an absurd limit', read('limit=10001'), 400, BAD],
  ['an absurd number of bytes', read('max_bytes=99999999999'), 400, BAD],
  ['a wait that is too long', read('timeout=61s'), 400, BAD],
  ['a wait below 0', read('timeout=-5'), 400, BAD],
  ['a wait that is none', read('timeout=forever'), 400, BAD],
  ['a time that is none', read('from_time=yesterday'), 400, BAD],
  ['a day that there is not', read('from_time=2026-02-30T00:00:00Z'), 400, BAD],
  ['a cursor that is none', get('/topics/t/messages?cursor=AAAA'), 400, BAD],
  ['a cursor with odd letters', get('/topics/t/messages?cursor=%00%ff'), 400, BAD],
  ['no time to look for', get('/topics/t/partitions/0/offset'), 400, BAD],
]

const TOPICS: readonly Case[] = [
  ['a topic that is there', create({ name: 't' }), 409, 'TOPIC_EXISTS'],
  ['a topic without a name', create({}), 400, BAD],
  ['a topic with a number for a name', create({ name: 1 }), 400, BAD],
  ['a topic with a path for a name', create({ name: '../t' }), 400, 'INVALID_TOPIC_NAME'],
  ['an internal topic', create({ name: '__t' }), 400, 'INVALID_TOPIC_NAME'],
  ['partitions in quotes', create({ name: 'n', num_partitions: '3' }), 400, BAD],
  ['half a partition', create({ name: 'n', num_partitions: 1.5 }), 400, BAD],
  ['no partition', create({ name: 'n', num_partitions: 0 }), 422, 'INVALID_PARTITIONS'],
  ['a million partitions', create({ name: 'n', num_partitions: 1e6 }), 422, 'INVALID_PARTITIONS'],
  ['retention below 0', create({ name: 'n', retention_hours: -1 }), 400, BAD],
  ['a misspelt setting', create({ name: 'n', config: { retnetion_ms: 1 } }), 400, BAD],
  [
    'two retentions',
    create({ name: 'n', retention_hours: 1, config: { retention_ms: '2h' } }),
    422,
    'INVALID_CONFIG',
  ],
  [
    'records larger than segments',
    create({ name: 'n', config: { segment_bytes: 1024, max_record_bytes: 2048 } }),
    422,
    'INVALID_CONFIG',
  ],
  ['words for a topic', create('name=n'), 400, BAD],
  [
    'a topic of 2 MiB',
    create({ name: 'n', x: 'x'.repeat(2 * KiB * KiB) }),
    413,
    'REQUEST_TOO_LARGE',
  ],
  ['no configuration', rawRequest('PATCH /topics/t', [JSON_TYPE], '{}'), 400, BAD],
  [
    'a configuration without a type',
    rawRequest('PATCH /topics/t', [], '{}'),
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'raw records for a topic',
    rawRequest('POST /topics', [RAW_TYPE], 'GB'),
    415,
    'UNSUPPORTED_MEDIA_TYPE',
  ],
  ['deleting a topic that there is not', rawRequest('DELETE /topics/nope'), 404, 'TOPIC_NOT_FOUND'],
]

export const WIRE = encodeWireBatch(batchOf({ key: 'k', value: 'v' }, { value: null }))
const FIRST_RECORD = 32

/** A batch with some bytes changed and, so that it is looked at at all, its checksum made right again. */
function altered(change: (wire: Buffer) => void): Buffer {
  const wire = Buffer.from(WIRE)
  change(wire)
  wire.writeUInt32BE(crc32c(wire, 8), 4)
  return wire
}

export const raw = (body: Uint8Array, query = ''): Buffer =>
  rawRequest(`POST /topics/t/messages${query}`, [RAW_TYPE], body)

const CORRUPT = 'CORRUPT_RECORD'
const RAW_BATCHES: readonly Case[] = [
  ['no batch at all', rawRequest('POST /topics/t/messages', [RAW_TYPE]), 400, CORRUPT],
  ['half a header', raw(WIRE.subarray(0, 20)), 400, CORRUPT],
  ['a header alone', raw(WIRE.subarray(0, 32)), 400, CORRUPT],
  ['a batch cut short', raw(WIRE.subarray(0, -1)), 400, CORRUPT],
  ['a byte too many', raw(Buffer.concat([WIRE, Buffer.of(0)])), 400, CORRUPT],
  [
    'JSON called a batch',
    raw(Buffer.from('{"messages":[{"value":"aaaaaaaaaaaaaaaaaa"}]}')),
    400,
    CORRUPT,
  ],
  ['a later version', raw(altered((wire) => wire.writeUInt8(9, 2))), 400, 'UNSUPPORTED_VERSION'],
  ['unknown flags of the batch', raw(altered((wire) => wire.writeUInt8(0x80, 3))), 400, CORRUPT],
  [
    'more records announced than there are',
    raw(altered((wire) => wire.writeUInt32BE(3, 8))),
    400,
    CORRUPT,
  ],
  ['no records announced', raw(altered((wire) => wire.writeUInt32BE(0, 8))), 400, CORRUPT],
  [
    'billions of records announced',
    raw(altered((wire) => wire.writeUInt32BE(0xffff_ffff, 8))),
    413,
    'BATCH_TOO_LARGE',
  ],
  [
    'unknown flags of a record',
    raw(altered((wire) => wire.writeUInt8(0x40, FIRST_RECORD + 3))),
    400,
    CORRUPT,
  ],
  [
    "a control record, which is the broker's",
    raw(altered((wire) => wire.writeUInt8(0x04, FIRST_RECORD + 3))),
    400,
    CORRUPT,
  ],
  [
    'an unknown priority',
    raw(altered((wire) => wire.writeUInt8(9, FIRST_RECORD + 24))),
    400,
    CORRUPT,
  ],
  [
    'a record longer than the batch',
    raw(altered((wire) => wire.writeUInt32BE(0x7fff_ffff, FIRST_RECORD + 28))),
    400,
    CORRUPT,
  ],
  ['unknown acks', raw(WIRE, '?acks=most'), 400, BAD],
  ['a partition that is a word', raw(WIRE, '?partition=first'), 400, BAD],
  ['a partition that there is not', raw(WIRE, '?partition=7'), 404, 'PARTITION_NOT_FOUND'],
  [
    'a topic that there is not',
    rawRequest('POST /topics/nope/messages', [RAW_TYPE], WIRE),
    404,
    'TOPIC_NOT_FOUND',
  ],
]

const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`
export const post = (...lines: string[]): string =>
  head('POST /topics/t/messages HTTP/1.1', 'host: x', JSON_TYPE, ...lines)
export const GOOD = '{"messages":[{"value":"smuggled"}]}'

const PROTOCOL: readonly Case[] = [
  ['no host', head('GET /topics HTTP/1.1'), 400, BAD],
  ['bytes that are not HTTP', 'hello\r\n\r\n', 400, BAD],
  ['a TLS greeting', Buffer.from('160301020001000001fc0303', 'hex'), 400, BAD],
  ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, BAD],
  ['an unknown method', head('BREW /topics HTTP/1.1', 'host: x'), 400, BAD],
  ['a method in small letters', head('get /topics HTTP/1.1', 'host: x'), 400, BAD],
  ['a version of the future', head('GET /topics HTTP/9.9', 'host: x'), 400, BAD],
  ['a space in the path', head('GET /topics/a b HTTP/1.1', 'host: x'), 400, BAD],
  ['a header without a colon', head('GET /topics HTTP/1.1', 'host: x', 'nonsense'), 400, BAD],
  ['a space before the colon', head('GET /topics HTTP/1.1', 'host : x'), 400, BAD],
  ['NUL in a header', head('GET /topics HTTP/1.1', 'host: x', 'a: b\0c'), 400, BAD],
  [
    'headers of 20 KiB',
    head('GET /topics HTTP/1.1', 'host: x', `a: ${'b'.repeat(20 * KiB)}`),
    431,
    'HEADERS_TOO_LARGE',
  ],
  [
    'a path of 20 KiB',
    head(`GET /${'a'.repeat(20 * KiB)} HTTP/1.1`, 'host: x'),
    431,
    'HEADERS_TOO_LARGE',
  ],
  [
    '1,000 headers',
    head(
      'GET /topics HTTP/1.1',
      'host: x',
      ...Array.from({ length: 1000 }, (_, i) => `header-number-${i}: x`),
    ),
    431,
    'HEADERS_TOO_LARGE',
  ],
  ['two lengths', post(`content-length: ${GOOD.length}`, 'content-length: 0') + GOOD, 400, BAD],
  [
    'a length and chunks',
    post(`content-length: ${GOOD.length}`, 'transfer-encoding: chunked') + GOOD,
    400,
    BAD,
  ],
  [
    'chunks and a length',
    `${post('transfer-encoding: chunked', 'content-length: 4')}0\r\n\r\n`,
    400,
    BAD,
  ],
  [
    'chunks that are not the last encoding',
    post('transfer-encoding: chunked, identity') + GOOD,
    400,
    BAD,
  ],
  ['an encoding that is almost chunked', post('transfer-encoding: xchunked') + GOOD, 400, BAD],
  ['a length below 0', post('content-length: -1') + GOOD, 400, BAD],
  ['a length with a plus', post(`content-length: +${GOOD.length}`) + GOOD, 400, BAD],
  ['a length in hex', post('content-length: 0x23') + GOOD, 400, BAD],
  ['a length beyond numbers', post(`content-length: ${'9'.repeat(30)}`) + GOOD, 400, BAD],
  ['a length of terabytes', post('content-length: 9999999999999'), 413, 'REQUEST_TOO_LARGE'],
  [
    'a chunk size that is none',
    `${post('transfer-encoding: chunked')}zz\r\n${GOOD}\r\n0\r\n\r\n`,
    400,
    BAD,
  ],
  [
    'a chunk longer than it says',
    `${post('transfer-encoding: chunked')}2\r\n${GOOD}\r\n0\r\n\r\n`,
    400,
    BAD,
  ],
  [
    'chunks over the limit',
    `${post('transfer-encoding: chunked')}50000\r\n${'x'.repeat(0x5_0000)}\r\n0\r\n\r\n`,
    413,
    'REQUEST_TOO_LARGE',
  ],
  ['a length cut short by the next request', `${post('content-length: 5')}${GOOD}\r\n`, 400, BAD],
  [
    'a proxy asked for',
    head('CONNECT example.org:443 HTTP/1.1', 'host: x'),
    405,
    'METHOD_NOT_ALLOWED',
  ],
  ['an expectation that is not known', post('content-length: 2', 'expect: 42-thanks'), 400, BAD],
]

/** For a topic `t` of two partitions with a message in each. */
export const BAD_REQUESTS: Readonly<Record<string, readonly Case[]>> = {
  'JSON body': JSON_BODIES,
  path: PATHS,
  query: QUERIES,
  topic: TOPICS,
  'raw batch': RAW_BATCHES,
  protocol: PROTOCOL,
}
