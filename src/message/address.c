/* RFC 5322 address lists. */
#include "message/address.h"

#include "base/cursor.h"
#include "message/nstring.h"
#include "message/token.h"

enum { ROUTE_BYTES_MAX = 1000 };

/* What is known of the entry being read. Words go to both texts: to `phrase` with one space where
 * there was any, to `local` without. */
struct address_reader {
    struct cursor cur;
    struct token_text phrase;
    struct token_text local;
    struct token_text comment;
    size_t phrase_start; /* of this entry in `phrase` */
    size_t phrase_end; /* of what stands before the last word with white space before it */
    size_t local_start; /* of that last word: "Big Bird bb@host" */
    size_t comment_start;
    bool has_words;
    bool was_space; /* white space stood before the cursor */
    bool in_group;
    struct address *before; /* an address that no separator has ended; NULL: there is none */
    struct address_list *list;
    size_t count_max;
};

static struct bytes text_since(const struct token_text *text, size_t start)
{
    return bytes_from(token_text_bytes(text), start);
}

static void entry_reset(struct address_reader *r)
{
    r->phrase_start = r->phrase.len;
    r->phrase_end = r->phrase.len;
    r->local_start = r->local.len;
    r->comment_start = r->comment.len;
    r->has_words = false;
    r->was_space = false;
}

static void entry_add(struct address_reader *r, struct address address)
{
    r->before = NULL;
    if (r->list->count < r->count_max) {
        r->before = &r->list->at[r->list->count++];
        *r->before = address;
    }
    entry_reset(r);
}

/* White space and comments; the last comment is remembered: "user@host (Name)". */
static void skip_cfws(struct address_reader *r)
{
    for (;;) {
        size_t before = r->cur.offset;
        token_skip_space(&r->cur);
        if (cursor_peek(&r->cur) == '(') {
            r->comment_start = r->comment.len;
            token_take_comment(&r->cur, &r->comment);
        }
        if (r->cur.offset == before)
            return;
        r->was_space = true;
    }
}

static bool is_word_char(int c)
{
    return c != CURSOR_END && !token_is_space(c) && c != '"' && c != '(' && c != ')' && c != '<' &&
           c != '>' && c != ',' && c != ';' && c != ':' && c != '@';
}

/* One atom or quoted string, obs-phrase dots and stray specials included. */
static void take_word(struct address_reader *r)
{
    bool is_dotted =
        cursor_peek(&r->cur) == '.' || (r->local.len > 0 && r->local.at[r->local.len - 1] == '.');

    if (r->has_words && r->was_space) {
        /* obs-local-part may have white space around its dots (RFC 5322 s4.4) */
        r->local_start = is_dotted ? r->local_start : r->local.len;
        r->phrase_end = is_dotted ? r->phrase_end : r->phrase.len;
        token_text_add_byte(&r->phrase, ' ');
    }
    r->was_space = false;
    r->has_words = true;
    if (cursor_peek(&r->cur) == '"') {
        size_t start = r->phrase.len;
        token_take_quoted(&r->cur, &r->phrase);
        token_text_add(&r->local, text_since(&r->phrase, start));
        return;
    }
    struct bytes word = cursor_take_while(&r->cur, is_word_char);
    token_text_add(&r->phrase, word);
    token_text_add(&r->local, word);
}

static bool is_domain_char(int c)
{
    return is_word_char(c) && c != '[' && c != '.';
}

/* RFC 5322 s3.4.1, obs-domain: atoms with dots, white space around the dots; or a literal. */
static struct bytes take_domain(struct address_reader *r)
{
    size_t start = r->local.len;

    skip_cfws(r);
    if (cursor_peek(&r->cur) == '[') {
        size_t end = bytes_find_byte(r->cur.in, r->cur.offset, ']');
        end = end < r->cur.in.len ? end + 1 : end;
        token_text_add(&r->local, bytes_slice(r->cur.in, r->cur.offset, end - r->cur.offset));
        r->cur.offset = end;
        return text_since(&r->local, start);
    }
    for (;;) {
        token_text_add(&r->local, cursor_take_while(&r->cur, is_domain_char));
        struct cursor ahead = r->cur;
        token_skip_cfws(&ahead);
        if (cursor_peek(&ahead) != '.')
            return text_since(&r->local, start);
        skip_cfws(r);
        token_text_add_byte(&r->local, '.');
        r->cur.offset++;
        skip_cfws(r);
    }
}

static struct bytes or_missing(struct bytes text, struct bytes missing)
{
    return text.len == 0 ? missing : text;
}

static struct bytes or_nil(struct bytes text)
{
    return text.len == 0 ? (struct bytes){ 0 } : text;
}

/* obs-route of RFC 5322 s4.4, "@a,@b:" at the cursor; nothing when there is no colon before ">". */
static struct bytes take_route(struct address_reader *r)
{
    struct bytes rest = bytes_slice(cursor_rest(&r->cur), 0, ROUTE_BYTES_MAX);
    size_t end = bytes_find_byte(rest, 0, ':');

    if (cursor_peek(&r->cur) != '@' || end == rest.len || bytes_find_byte(rest, 0, '>') < end)
        return (struct bytes){ 0 };
    size_t start = r->local.len;
    for (size_t i = 0; i < end; i++) {
        if (!token_is_space(rest.at[i]))
            token_text_add_byte(&r->local, rest.at[i]);
    }
    r->cur.offset += end + 1;
    return text_since(&r->local, start);
}

/* "<" [route] local-part "@" domain ">", the phrase before it already read. */
static void take_angle(struct address_reader *r)
{
    struct address address = { .name = or_nil(text_since(&r->phrase, r->phrase_start)) };
    size_t phrase_len = r->phrase.len;

    r->cur.offset++;
    skip_cfws(r);
    address.route = take_route(r);
    size_t local_start = r->local.len;
    r->was_space = false;
    for (skip_cfws(r); is_word_char(cursor_peek(&r->cur)) || cursor_peek(&r->cur) == '"';
         skip_cfws(r))
        take_word(r);
    r->phrase.len = phrase_len;
    address.mailbox = or_missing(text_since(&r->local, local_start), ADDRESS_NO_MAILBOX);
    address.host = ADDRESS_NO_HOST;
    if (cursor_skip(&r->cur, '@'))
        address.host = or_missing(take_domain(r), ADDRESS_NO_HOST);
    for (int c = cursor_peek(&r->cur); c != '>' && c != ',' && c != CURSOR_END;
         c = cursor_peek(&r->cur))
        r->cur.offset++;
    if (cursor_skip(&r->cur, '>'))
        skip_cfws(r);
    if (address.name.at == NULL)
        address.name = or_nil(text_since(&r->comment, r->comment_start));
    entry_add(r, address);
}

/* At "@" after a local part. When "<" follows, all that was somebody's display name. */
static void take_addr_spec(struct address_reader *r)
{
    size_t spec_start = r->cur.offset;
    struct bytes local = text_since(&r->local, r->local_start);

    r->cur.offset++;
    struct bytes host = take_domain(r);
    size_t spec_end = r->cur.offset;
    skip_cfws(r);
    if (cursor_peek(&r->cur) == '<') {
        token_text_add(&r->phrase,
                       bytes_trim(bytes_slice(r->cur.in, spec_start, spec_end - spec_start)));
        take_angle(r);
        return;
    }
    struct bytes before =
        bytes_slice(token_text_bytes(&r->phrase), r->phrase_start, r->phrase_end - r->phrase_start);
    struct bytes comment = text_since(&r->comment, r->comment_start);
    entry_add(r, (struct address){ .name = or_nil(before.len > 0 ? before : comment),
                                   .mailbox = or_missing(local, ADDRESS_NO_MAILBOX),
                                   .host = or_missing(host, ADDRESS_NO_HOST) });
}

/* Words that follow an address with no comma between: the name that should have stood before it. */
static void name_before(struct address_reader *r, struct bytes words)
{
    if (r->before->name.at == NULL)
        r->before->name = words;
    entry_reset(r);
}

/* Words with no address behind them: one is a local part, "To: postmaster"; several are a name. */
static void end_entry(struct address_reader *r)
{
    struct bytes words = text_since(&r->phrase, r->phrase_start);
    bool is_name = bytes_find_byte(words, 0, ' ') < words.len;

    if (words.len == 0) {
        entry_reset(r);
        return;
    }
    if (r->before != NULL && r->before->host.at != NULL) {
        name_before(r, words);
        return;
    }
    struct bytes comment = text_since(&r->comment, r->comment_start);
    entry_add(r, (struct address){ .name = or_nil(is_name ? words : comment),
                                   .mailbox = is_name ? ADDRESS_NO_MAILBOX : words,
                                   .host = ADDRESS_NO_HOST });
}

static void start_group(struct address_reader *r)
{
    struct bytes name = text_since(&r->phrase, r->phrase_start);

    r->in_group = true;
    entry_add(r, (struct address){ .mailbox = name.len == 0 ? BYTES("") : name });
}

static void end_group(struct address_reader *r)
{
    end_entry(r);
    if (r->in_group)
        r->list->at[r->list->count++] = (struct address){ 0 };
    r->in_group = false;
    r->before = NULL;
    entry_reset(r);
}

static void take_next(struct address_reader *r)
{
    int c = cursor_peek(&r->cur);

    if (c == '<') {
        take_angle(r);
    } else if (c == '@') {
        take_addr_spec(r);
    } else if (c == ',') {
        r->cur.offset++;
        end_entry(r);
        r->before = NULL;
    } else if (c == ';') {
        r->cur.offset++;
        end_group(r);
    } else if (c == ':' && !r->in_group && r->list->count < r->count_max) {
        r->cur.offset++;
        start_group(r);
    } else if (is_word_char(c) || c == '"') {
        take_word(r);
    } else {
        r->cur.offset++; /* a stray ")" or ">" */
    }
}

/* An entry takes at least one byte and its separator; a group two entries for ":;". */
static size_t entries_max(struct bytes value, size_t count_max)
{
    size_t most = value.len + 2;
    return (most < count_max ? most : count_max) + 1;
}

struct address_list address_parse(struct arena *arena, struct bytes value, size_t count_max)
{
    struct address_list list = { 0 };
    size_t room = value.len * 2 + 2;
    struct address_reader r = {
        .cur = cursor_make(value),
        .phrase = token_text_make(arena, room),
        .local = token_text_make(arena, room),
        .comment = token_text_make(arena, value.len + 1),
        .list = &list,
        .count_max = count_max,
    };

    size_t entries = 1;
    for (size_t i = 0; i < value.len; i++)
        entries += value.at[i] == ',' || value.at[i] == ';' || value.at[i] == ':' ||
                   value.at[i] == '@' || value.at[i] == '>' || value.at[i] == '<';
    if (entries > entries_max(value, count_max))
        entries = entries_max(value, count_max);
    r.count_max = entries < count_max ? entries : count_max;
    list.at = ARENA_NEW_ARRAY(arena, struct address, r.count_max + 1);
    if (list.at == NULL || r.comment.at == NULL || r.local.at == NULL || r.phrase.at == NULL)
        return (struct address_list){ 0 };
    while (!cursor_at_end(&r.cur)) {
        skip_cfws(&r);
        if (!cursor_at_end(&r.cur))
            take_next(&r);
    }
    end_group(&r);
    return list;
}

void address_print_entries(struct buf *out, const struct address_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct address *address = &list->at[i];
        buf_add_byte(out, '(');
        nstring_print(out, address->name);
        buf_add_byte(out, ' ');
        nstring_print(out, address->route);
        buf_add_byte(out, ' ');
        nstring_print(out, address->mailbox);
        buf_add_byte(out, ' ');
        nstring_print(out, address->host);
        buf_add_byte(out, ')');
    }
}
