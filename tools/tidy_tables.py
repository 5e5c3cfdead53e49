"""The house rules as tables; tools/tidy.py holds the tree against them."""

# Room -> rooms and headers that its files may include, besides its own. The longest name that
# fits a path is its room. A name that ends in .h allows that one header.
LAYERS = {
    'base': [],
    'message': ['base'],
    # nstring is how both the wire and the summary write a string (RFC 9051 s9).
    'imap/wire': ['base', 'message/nstring.h'],
    'smtp/wire': ['base'],
    'sys': ['base'],
    'config': ['base', 'sys'],
    'ipc': ['base', 'sys'],
    'store': ['base', 'message', 'sys'],
    'backup': ['base', 'sys', 'store'],
    'search': ['base', 'message', 'imap/wire', 'store'],
    'auth': ['base', 'sys'],
    'smtp': ['base', 'message', 'smtp/wire'],
    # What strangers meet before the login: nothing of the store is in reach.
    'imap/login': ['base', 'imap/wire'],
    'imap': ['base', 'message', 'imap/wire', 'imap/cmd', 'store', 'search'],
    'imap/cmd': ['base', 'message', 'imap/wire', 'imap', 'store', 'search'],
    'maintain': ['base', 'message', 'sys/vfs.h', 'store'],
    'daemon': ['base', 'sys', 'config', 'ipc'],
    'daemon/supervisor': ['base', 'sys', 'config', 'ipc', 'daemon'],
    'daemon/tls': ['base', 'sys', 'config', 'ipc', 'daemon'],
    'daemon/gate': ['base', 'message', 'sys', 'config', 'ipc', 'imap/wire', 'imap/login',
                    'smtp', 'smtp/wire', 'daemon'],
    'daemon/auth': ['base', 'sys', 'config', 'ipc', 'auth', 'daemon'],
    'daemon/mail': ['base', 'message', 'sys', 'config', 'ipc', 'store', 'search', 'imap/wire',
                    'imap', 'maintain', 'smtp', 'daemon'],
    'daemon/control': ['base', 'sys', 'config', 'ipc', 'daemon'],
    'cli': ['base', 'sys', 'config', 'ipc', 'auth', 'store', 'backup', 'maintain', 'daemon',
            'daemon/supervisor', 'daemon/tls', 'daemon/gate', 'daemon/auth', 'daemon/mail', 'daemon/control'],
}

# Rooms that belong together, and may include each other without that being a circle.
TOGETHER = [{'imap', 'imap/cmd'}]

# System headers that show descriptors, processes, clocks or signals: only sys sees those.
SYSTEM_HEADERS = [
    'errno.h', 'fcntl.h', 'grp.h', 'netdb.h', 'poll.h', 'pthread.h', 'pwd.h', 'sched.h',
    'signal.h', 'syslog.h', 'termios.h', 'unistd.h', 'arpa/', 'event2/', 'linux/', 'net/',
    'netinet/', 'openssl/ssl.h', 'sys/', 'systemd/', 'seccomp.h',
]

# (room or file, header): reason.
SYSTEM_HEADERS_ALLOWED = {
    ('daemon/supervisor', 'signal.h'): 'the names of signals; sys sends and catches them',
    ('auth', 'pthread.h'): 'workers verify passwords; one lock in the database and in the cache',
    ('auth', 'arpa/inet.h'): 'text of addresses, no sockets',
    ('message/charset.c', 'errno.h'): 'iconv(3) says E2BIG, EILSEQ and EINVAL only through errno',
}

BANNED_CALLS = {
    'strcpy': 'memcpy with a length', 'strcat': 'a buf', 'strncpy': 'memcpy with a length',
    'strncat': 'a buf', 'sprintf': 'snprintf or a buf', 'vsprintf': 'vsnprintf or a buf',
    'strtok': 'a cursor', 'strtok_r': 'a cursor', 'atoi': 'num_parse', 'atol': 'num_parse',
    'atoll': 'num_parse', 'atof': 'num_parse', 'strtol': 'num_parse', 'strtoul': 'num_parse',
    'strtoull': 'num_parse', 'strtoll': 'num_parse', 'alloca': 'an arena', 'gets': 'nothing',
    'sscanf': 'a cursor', 'scanf': 'a cursor', 'fscanf': 'a cursor', 'system': 'nothing',
    'popen': 'nothing', 'longjmp': 'a return value', 'setlocale': 'nothing', 'signal': 'sigaction',
    'rand': 'random bytes of sys', 'localtime': 'localtime_r', 'gmtime': 'gmtime_r',
    'strerror': 'err_text, or sys', 'tmpnam': 'O_TMPFILE', 'mktemp': 'O_TMPFILE',
}

# (file or room, call): reason.
BANNED_CALLS_ALLOWED = {
    ('sys', 'strerror'): 'errno ends in sys, so its text is made there',
}

# What a test may call besides: its input is its own.
TEST_CALLS_ALLOWED = {'atoi', 'rand', 'scanf', 'signal', 'sscanf', 'strerror', 'strtol', 'strtoul',
                      'strtoull', 'system'}

BANNED_HEADERS = {'ctype.h': 'base/ascii.h', 'setjmp.h': 'return values', 'alloca.h': 'an arena',
                  'regex.h': 'a cursor', 'locale.h': 'nothing'}

# Pattern -> why it may not stand in the tree. Applied to every text file but this one.
BANNED_TEXT = {
    r'\b(TODO|FIXME|XXX)\b(?!-)': 'finish it, or leave it out',
    r'(?<![\w.])/(work|home|root)/\w': 'a path of somebody\'s machine',
    r'\b[Ii]ssues? #?\d': 'the reason itself says more than its number',
    r'<{7} |>{7} |^={7}$': 'a merge was left half done',
}

# Fixtures have the shape that they test: no rule of text applies to them.
TEXT_EXEMPT = ('.eml', '.bin', '.pem', '.crt', '.key', '.der', '.png', '.dict')
FOLDERS_TEXT_EXEMPT = ('fuzz/corpus', 'test/fixtures')

# .c files without a _test.c beside them: what tests them instead.
TESTED_ELSEWHERE = {
    'src/base/crc_x86_64.c': 'crc_test.c runs the one that the build chose',
    'src/base/crc_other.c': 'crc_test.c runs the one that the build chose',
    'src/sys/sandbox_sets.c': 'sandbox_test.c enters every set',
    'src/sys/tls_tickets.c': 'tls_test.c resumes sessions with shared and with replaced keys',
    'src/store/verify_list.c': 'verify_test.c: segments that are there, missing, cut, being made',
    'src/store/verify_record.c': 'verify_test.c: a flip in every kind of record',
    'src/store/verify_derived.c': 'verify_messages_test.c: derived files that were hit',
    'src/maintain/verb_hold.c': 'maintain_test.c: a purge that it keeps from removing anything',
    'src/maintain/verb_log.c': 'maintain_test.c, test/e2e/test_time_travel.py',
    'src/maintain/past.c': 'maintain_test.c, test/e2e/test_time_travel.py',
    'src/maintain/verb_purge.c': 'maintain_test.c, test/e2e/test_time_travel.py',
    'src/maintain/verb_rewind.c': 'maintain_test.c, test/e2e/test_time_travel.py',
    'src/maintain/verb_undelete.c': 'maintain_test.c, test/e2e/test_time_travel.py',
    'src/maintain/verb_verify.c': 'maintain_test.c: an act from its arguments to its result',
    'src/backup/files.c': 'account_test.c: a copy is made of nothing else',
    'src/backup/restore.c': 'account_test.c: every copy is brought back',
    'src/search/thread_link.c': 'thread_test.c, thread_random_test.c',
    'src/search/thread_merge.c': 'thread_test.c, thread_random_test.c',
    'src/search/thread_print.c': 'thread_test.c, thread_random_test.c',
    'src/imap/answer.c': 'session_test.c: every dialogue ends its commands with it',
    'src/imap/fetch_item.c': 'session_test.c: fetch_items.txt',
    'src/imap/fetch_section.c': 'session_test.c: fetch_sections.txt; step_test.c: large bodies',
    'src/imap/handle.c': 'session_test.c: every command that names a mailbox',
    'src/imap/modseq.c': 'session_test.c: condstore*.txt, qresync.txt; resync_test.c',
    'src/imap/news.c': 'session_test.c: store.txt, expunge*.txt, lost.txt; test/model',
    'src/imap/searching.c': 'session_test.c: search*.txt; step_test.c; test/model',
    'src/imap/selected.c': 'session_test.c: states.txt, recent.txt, search_saved.txt',
    'src/imap/special_use.c': 'flags_test.c: the other table of that kind',
    'src/imap/status.c': 'session_test.c: mailboxes.txt, list_more.txt',
    'src/imap/telling.c': 'session_test.c: search*.txt, esearch.txt, sort.txt; test/model',
    'src/imap/verb.c': 'session_test.c: every row of it has a dialogue',
    'src/daemon/tls/sandbox.c': 'tls_role_test.c tries the walls',
    'src/daemon/mail/connection.c': 'shard_test.c: a whole shard is needed to see it work',
    'src/daemon/mail/delivery.c': 'shard_test.c: a whole shard is needed to see it work',
    'src/daemon/mail/home.c': 'shard_test.c: a whole shard is needed to see it work',
    'src/daemon/mail/turn.c': 'shard_test.c: a whole shard is needed to see it work',
    'src/daemon/gate/client.c': 'gate_test.c: a whole gate is needed to see it work',
    'src/daemon/gate/imap.c': 'gate_test.c: a whole gate is needed to see it work',
    'src/daemon/gate/lmtp.c': 'gate_test.c: a whole gate is needed to see it work',
    'src/daemon/gate/parcel.c': 'gate_test.c: a whole gate is needed to see it work',
    'src/daemon/gate/stats.c': 'gate_test.c: a whole gate is needed to see it work',
    'src/daemon/control/scrape.c': 'page_test.c: the page is what it makes',
    'src/daemon/role/ask.c': 'role_test.c: asks need a role to live in',
}

# Folders whose files are tested from elsewhere, by scripts or end to end.
FOLDERS_TESTED_ELSEWHERE = {
    'src/daemon/supervisor': 'supervisor_test.c: a whole server of processes, killed and reloaded',
    'src/imap/cmd': 'test/script: a dialogue or more for each command',
    'src/cli': 'test/e2e: the verbs are run as a person runs them',
}

# File -> why it may be longer.
LONG_FILES = {
    'src/ipc/messages.h': 'one table of every message, read as a whole',
}

FILE_LINES_MAX = 800
HEADER_LINES_MAX = 150
FUNCTION_LINES_MAX = 70
NESTING_MAX = 3
PARAMETERS_MAX = 5

# (file, a word of the signature): whose shape it is.
PARAMETERS_ALLOWED = {
    ('src/sys/tls.c', 'choose_alpn'): 'SSL_CTX_set_alpn_select_cb(3)',
    ('src/sys/tls_tickets.c', 'on_ticket'): 'SSL_CTX_set_tlsext_ticket_key_evp_cb(3)',
}
COLUMNS_MAX = 100
