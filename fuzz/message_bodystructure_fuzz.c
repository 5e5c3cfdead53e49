/* ENVELOPE, BODY and BODYSTRUCTURE of any message, read back as a client reads them: valid, and the
 * tree has the kinds, sizes, lines and texts of the parts that the parser found. */
#include <stdlib.h>

#include "imap_tree.h"
#include "message/bodystructure.h"
#include "message/envelope.h"
#include "message/parser.h"

enum { ENVELOPE_FIELDS = 10, ADDRESS_FIELDS = 4, OUT_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

/* The nodes of a list are taken one by one; one that is missing ends the run. */
static const struct imap_tree *take(const struct imap_tree **at, enum imap_tree_kind kind)
{
    const struct imap_tree *node = *at;

    must(node != NULL && node->kind == kind);
    *at = node->next;
    return node;
}

/* NUL cannot travel: it comes as 0x80. */
static void must_be_text(const struct imap_tree *node, struct bytes text)
{
    must(node->kind == IMAP_TREE_STRING && node->text.len == text.len);
    for (size_t i = 0; i < text.len; i++)
        must(node->text.at[i] == (text.at[i] == 0 ? 0x80 : text.at[i]));
}

static void take_text(const struct imap_tree **at, struct bytes text)
{
    must_be_text(take(at, IMAP_TREE_STRING), text);
}

/* NIL for a field that is not there. */
static void take_field(const struct imap_tree **at, struct bytes text)
{
    if (text.at == NULL)
        take(at, IMAP_TREE_NIL);
    else
        take_text(at, text);
}

static void take_addresses(const struct imap_tree **at)
{
    const struct imap_tree *node = *at;

    must(node != NULL && node->kind != IMAP_TREE_NUMBER && node->kind != IMAP_TREE_STRING);
    *at = node->next;
    for (const struct imap_tree *address = node->first; address != NULL; address = address->next) {
        const struct imap_tree *field = address->first;

        must(address->kind == IMAP_TREE_LIST);
        for (int i = 0; i < ADDRESS_FIELDS; i++, field = field->next)
            must(field != NULL &&
                 (field->kind == IMAP_TREE_NIL || field->kind == IMAP_TREE_STRING));
        must(field == NULL);
    }
}

static void take_envelope(const struct imap_tree **at)
{
    const struct imap_tree *field = take(at, IMAP_TREE_LIST)->first;

    for (int i = 0; i < ENVELOPE_FIELDS; i++) {
        must(field != NULL);
        if (i >= 2 && i <= 7) {
            take_addresses(&field);
            continue;
        }
        must(field->kind == IMAP_TREE_NIL || field->kind == IMAP_TREE_STRING);
        field = field->next;
    }
    must(field == NULL);
}

static void take_params(const struct imap_tree **at, const struct params *params, bool is_text)
{
    bool adds_charset = is_text && param_find(params, BYTES("charset")).at == NULL &&
                        param_find(params, BYTES("charset*")).at == NULL;
    const struct imap_tree *list = *at;
    const struct imap_tree *node;

    if (params->count == 0 && !adds_charset) {
        take(at, IMAP_TREE_NIL);
        return;
    }
    node = take(at, IMAP_TREE_LIST)->first;
    must(list->kind == IMAP_TREE_LIST);
    for (size_t i = 0; i < params->count; i++) {
        take_text(&node, params->at[i].name);
        take_text(&node, params->at[i].value);
    }
    if (adds_charset) {
        take_text(&node, BYTES("charset"));
        take_text(&node, BYTES("us-ascii"));
    }
    must(node == NULL);
}

static void take_extension(const struct imap_tree **at, const struct message_part *part)
{
    const struct imap_tree *node;

    if (part->disposition.at == NULL) {
        take(at, IMAP_TREE_NIL);
    } else {
        node = take(at, IMAP_TREE_LIST)->first;
        take_text(&node, part->disposition);
        take_params(&node, &part->disposition_params, false);
        must(node == NULL);
    }
    if (part->language_count == 0)
        take(at, IMAP_TREE_NIL);
    else
        node = take(at, IMAP_TREE_LIST)->first;
    for (size_t i = 0; i < part->language_count; i++)
        take_text(&node, part->languages[i]);
    must(part->language_count == 0 || node == NULL);
    take_field(at, part->location);
}

static void take_number(const struct imap_tree **at, uint64_t number)
{
    must(take(at, IMAP_TREE_NUMBER)->number == number);
}

/* The limit of the parser bounds the recursion. */
static void take_part(const struct imap_tree **at, const struct message *message, uint32_t index,
                      bool is_extended);

static void in_single(const struct imap_tree *node, const struct message *message, uint32_t index,
                      bool is_extended)
{
    const struct message_part *part = &message->parts[index];
    bool is_text = message_part_is(part, BYTES("text"), BYTES(""));

    take_text(&node, part->type);
    take_text(&node, part->subtype);
    take_params(&node, &part->params, is_text);
    take_field(&node, part->id);
    take_field(&node, part->description);
    take_text(&node, part->encoding_name.at == NULL ? BYTES("7bit") : part->encoding_name);
    take_number(&node, part->body_bytes);
    if (part->kind == MESSAGE_PART_MESSAGE) {
        take_envelope(&node);
        take_part(&node, message, part->first_child, is_extended);
    }
    if (part->kind == MESSAGE_PART_MESSAGE || is_text)
        take_number(&node, part->body_lines);
    if (is_extended) {
        take_field(&node, part->md5);
        take_extension(&node, part);
    }
    must(node == NULL);
}

static void in_multipart(const struct imap_tree *node, const struct message *message,
                         uint32_t index, bool is_extended)
{
    const struct message_part *part = &message->parts[index];

    must(part->first_child != MESSAGE_PART_NONE);
    for (uint32_t i = part->first_child; i != MESSAGE_PART_NONE; i = message->parts[i].next_sibling)
        take_part(&node, message, i, is_extended);
    take_text(&node, part->subtype);
    if (is_extended) {
        take_params(&node, &part->params, false);
        take_extension(&node, part);
    }
    must(node == NULL);
}

static void take_part(const struct imap_tree **at, const struct message *message, uint32_t index,
                      bool is_extended)
{
    const struct imap_tree *list = take(at, IMAP_TREE_LIST);

    if (message->parts[index].kind == MESSAGE_PART_MULTIPART)
        in_multipart(list->first, message, index, is_extended);
    else
        in_single(list->first, message, index, is_extended);
}

static void read_back(const struct message *message, bool is_extended)
{
    struct arena arena = arena_make(4UL * OUT_MAX);
    struct buf out = buf_make(OUT_MAX);
    size_t addresses_left = ENVELOPE_ADDRESSES_MAX;
    const struct imap_tree *tree;

    bodystructure_print(&out, message, is_extended, &addresses_left);
    must(!out.overflowed);
    tree = imap_tree_read(buf_bytes(&out), &arena);
    take_part(&tree, message, 0, is_extended);
    buf_clear(&out);
    envelope_print(&out, message->parts[0].header, &addresses_left);
    tree = imap_tree_read(buf_bytes(&out), &arena);
    take_envelope(&tree);
    buf_done(&out);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(MESSAGE_ARENA_BUDGET);
    const struct message *message = message_parse(&arena, bytes_make(data, size));

    read_back(message, false);
    read_back(message, true);
    arena_done(&arena);
    return 0;
}
