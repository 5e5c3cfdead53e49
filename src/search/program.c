/* Compiling a SEARCH program. */
#include "search/program.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "imap/wire/flag.h"
#include "message/charset.h"
#include "message/summary.h"
#include "message/text.h"
#include "store/mailbox.h"
#include "store/view.h"

enum { TEXT_BYTES_MAX = 256 * 1024 }; /* of one key, folded */

struct compiler {
    struct arena *arena;
    struct search_program *program;
    const struct charset *charset;
    enum err err;
};

/* The key's text as UTF-8, folded. A text that is not in its charset matches nothing that can be
 * said honestly: it is refused. RFC 9051 s6.4.4; RFC 5255 s4.6. */
static struct bytes fold_text(struct compiler *compiler, struct bytes text)
{
    struct buf utf8 = buf_make(TEXT_BYTES_MAX);
    struct buf folded = buf_make(TEXT_BYTES_MAX);
    struct bytes copy = { 0 };

    if (!charset_is_valid(compiler->charset, text)) {
        compiler->err = ERR_INVALID;
    } else {
        charset_to_utf8(compiler->charset, text, &utf8);
        text_search_key(buf_bytes(&utf8), &folded);
        copy = arena_copy(compiler->arena, buf_bytes(&folded));
        if (copy.at == NULL || utf8.overflowed || folded.overflowed)
            compiler->err = ERR_LIMIT;
    }
    buf_done(&utf8);
    buf_done(&folded);
    return copy;
}

static struct uid_set resolve(struct compiler *compiler, const struct imap_seqset *set,
                              uint32_t star)
{
    struct imap_seqset resolved;
    struct uid_range *ranges;

    if (!imap_seqset_resolve(set, star, compiler->arena, &resolved)) {
        compiler->err = ERR_LIMIT;
        return (struct uid_set){ 0 };
    }
    ranges = ARENA_NEW_ARRAY(compiler->arena, struct uid_range, resolved.count);
    if (ranges == NULL) {
        compiler->err = ERR_LIMIT;
        return (struct uid_set){ 0 };
    }
    for (uint32_t i = 0; i < resolved.count; i++)
        ranges[i] = (struct uid_range){ resolved.ranges[i].first, resolved.ranges[i].last };
    return (struct uid_set){ ranges, resolved.count };
}

/* `$` names UIDs, also where it stands for sequence numbers. */
static void compile_set(struct compiler *compiler, const struct imap_search_key *from,
                        struct search_key *key)
{
    const struct search_context *context = &compiler->program->context;
    bool uid = from->type == IMAP_SEARCH_UID || from->set.saved;

    key->type = uid ? IMAP_SEARCH_UID : IMAP_SEARCH_SEQUENCE;
    key->uids = from->set.saved
                    ? context->saved
                    : resolve(compiler, &from->set,
                              uid ? view_uid_last(context->view) : view_count(context->view));
    compiler->program->row_cost += key->uids.count / SEARCH_RANGES_COST;
}

static void compile_text(struct compiler *compiler, const struct imap_search_key *from,
                         struct search_key *key)
{
    struct search_program *program = compiler->program;

    key->text = fold_text(compiler, from->text);
    key->is_plain = bytes_find_byte(key->text, 0, 0) == key->text.len;
    key->is_kept = summary_keeps_field(key->field);
    program->row_cost += SEARCH_FIELD_COST;
    if (from->type != IMAP_SEARCH_BODY && from->type != IMAP_SEARCH_TEXT)
        return;
    if (key->text.len == 0 && compiler->err == ERR_OK) {
        key->type = IMAP_SEARCH_AND; /* of nothing: every text holds the empty one */
        return;
    }
    if (program->text_count == SEARCH_TEXTS_MAX) {
        compiler->err = ERR_LIMIT;
        return;
    }
    if (key->text.len > program->text_bytes_max)
        program->text_bytes_max = key->text.len;
    key->text_index = (int)program->text_count;
    program->texts[program->text_count++] = key;
}

/* As fetch_item.c prints it: the letter, then 16 digits. No other text is an id. */
static void compile_id(struct bytes text, uint8_t kind, struct search_key *key)
{
    enum { ID_BYTES = 17 };
    uint64_t number = 0;

    key->wanted = text.len == ID_BYTES && text.at[0] == kind;
    for (size_t i = 1; key->wanted && i < ID_BYTES; i++) {
        int digit = ascii_hex_value(text.at[i]);

        key->wanted = digit >= 0 && !ascii_is_upper(text.at[i]);
        number = number << 4 | (uint64_t)digit;
    }
    key->number = (int64_t)number;
}

static uint16_t store_flag(uint32_t flag)
{
    switch (flag) {
    case IMAP_FLAG_SEEN: return FLAG_SEEN;
    case IMAP_FLAG_ANSWERED: return FLAG_ANSWERED;
    case IMAP_FLAG_FLAGGED: return FLAG_FLAGGED;
    case IMAP_FLAG_DELETED: return FLAG_DELETED;
    case IMAP_FLAG_DRAFT: return FLAG_DRAFT;
    default: return 0;
    }
}

static struct bytes field_of(const struct imap_search_key *from)
{
    switch ((int)from->type) {
    case IMAP_SEARCH_BCC: return BYTES("Bcc");
    case IMAP_SEARCH_CC: return BYTES("Cc");
    case IMAP_SEARCH_FROM: return BYTES("From");
    case IMAP_SEARCH_TO: return BYTES("To");
    case IMAP_SEARCH_SUBJECT: return BYTES("Subject");
    default: return from->field;
    }
}

static void compile_leaf(struct compiler *compiler, const struct imap_search_key *from,
                         struct search_key *key)
{
    const struct mailbox *mailbox = view_mailbox(compiler->program->context.view);

    switch (from->type) {
    case IMAP_SEARCH_SEQUENCE:
    case IMAP_SEARCH_UID: compile_set(compiler, from, key); break;
    case IMAP_SEARCH_FLAG: key->flags = store_flag(from->flag); break;
    case IMAP_SEARCH_KEYWORD: key->keyword = mailbox_keyword_find(mailbox, from->text); break;
    case IMAP_SEARCH_BCC:
    case IMAP_SEARCH_CC:
    case IMAP_SEARCH_FROM:
    case IMAP_SEARCH_TO:
    case IMAP_SEARCH_SUBJECT:
    case IMAP_SEARCH_HEADER:
    case IMAP_SEARCH_BODY:
    case IMAP_SEARCH_TEXT: compile_text(compiler, from, key); break;
    case IMAP_SEARCH_SENTDATE:
        compiler->program->row_cost += SEARCH_FIELD_COST;
        key->number = imap_date_days(from->date);
        break;
    case IMAP_SEARCH_INTERNALDATE:
    case IMAP_SEARCH_SAVEDATE: key->number = imap_date_days(from->date); break;
    case IMAP_SEARCH_EMAILID: compile_id(from->text, 'e', key); break;
    case IMAP_SEARCH_THREADID: compile_id(from->text, 't', key); break;
    case IMAP_SEARCH_LARGER:
    case IMAP_SEARCH_SMALLER:
    case IMAP_SEARCH_OLDER:
    case IMAP_SEARCH_YOUNGER:
    case IMAP_SEARCH_MODSEQ:
    case IMAP_SEARCH_SAVEDATE_SUPPORTED:
    case IMAP_SEARCH_AND:
    case IMAP_SEARCH_OR:
    case IMAP_SEARCH_NOT: break;
    }
}

/* Recurses no deeper than the grammar's limits allowed. */
static const struct search_key *compile_key(struct compiler *compiler,
                                            const struct imap_search_key *from)
{
    struct search_key *key = ARENA_NEW(compiler->arena, struct search_key);
    const struct search_key **tail;

    if (key == NULL) {
        compiler->err = ERR_LIMIT;
        return NULL;
    }
    compiler->program->row_cost++;
    key->type = from->type;
    key->when = from->when;
    key->wanted = from->wanted;
    key->number = from->number > INT64_MAX ? INT64_MAX : (int64_t)from->number;
    key->field = field_of(from);
    compile_leaf(compiler, from, key);
    tail = &key->children;
    for (const struct imap_search_key *child = from->children;
         child != NULL && compiler->err == ERR_OK; child = child->next) {
        struct search_key *made = (struct search_key *)compile_key(compiler, child);

        if (made == NULL)
            break;
        *tail = made;
        tail = &made->next;
    }
    return key;
}

/* RFC 9051 s6.4.4; RFC 5255 s4.2; RFC 5256 s3. */
static enum err find_charset(const struct imap_search_args *args, const struct charset **out)
{
    const struct charset *charset =
        charset_find(args->charset.len == 0 ? BYTES("UTF-8") : args->charset);

    if (charset == NULL || !charset_holds_ascii(charset))
        return ERR_UNSUPPORTED;
    *out = charset;
    return ERR_OK;
}

enum err search_compile(const struct imap_search_args *args, const struct search_context *context,
                        struct arena *arena, struct search_program **out_program)
{
    struct compiler compiler = { .arena = arena,
                                 .program = ARENA_NEW(arena, struct search_program) };

    if (compiler.program == NULL)
        return ERR_LIMIT;
    compiler.err = find_charset(args, &compiler.charset);
    if (compiler.err != ERR_OK)
        return compiler.err;
    compiler.program->context = *context;
    compiler.program->root = compile_key(&compiler, args->program);
    if (compiler.err == ERR_OK)
        *out_program = compiler.program;
    return compiler.err;
}
