/* Pages in a map, and in a list by their use. */
#include "search/texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/num.h"

enum {
    PAGE_TEXT_BYTES_MAX = SEARCH_PAGE_BODIES * SEARCH_TEXT_BYTES_MAX,
    KEY_BYTES_MAX = sizeof(struct account_id) + 8 + SEARCH_FIELD_BYTES_MAX,
};

struct search_page {
    struct list link; /* by use */
    uint8_t key[KEY_BYTES_MAX];
    uint32_t key_len;
    uint32_t count; /* texts */
    size_t bytes; /* as counted */
    uint16_t order[SEARCH_PAGE_BODIES]; /* places, as their texts follow each other */
    uint32_t end[SEARCH_PAGE_BODIES]; /* by place: of its text; 0: not known */
    uint32_t len[SEARCH_PAGE_BODIES];
    struct buf text; /* begins with a byte that is nobody's, so that no text ends at 0 */
};

struct search_texts {
    size_t bytes_max;
    size_t bytes;
    struct map pages;
    struct list used; /* the one used last comes last */
};

struct search_texts *search_texts_new(size_t bytes_max)
{
    struct search_texts *texts = calloc(1, sizeof(*texts));

    if (texts == NULL)
        abort();
    texts->bytes_max = bytes_max;
    texts->pages = map_make(0); /* no stranger chooses ids */
    list_init(&texts->used);
    return texts;
}

static void drop(struct search_texts *texts, struct search_page *page)
{
    (void)map_remove(&texts->pages, bytes_make(page->key, page->key_len));
    list_remove(&page->link);
    texts->bytes -= page->bytes;
    buf_done(&page->text);
    free(page);
}

void search_texts_free(struct search_texts *texts)
{
    if (texts == NULL)
        return;
    LIST_EACH (node, after, &texts->used)
        drop(texts, CONTAINER_OF(node, struct search_page, link));
    map_done(&texts->pages);
    free(texts);
}

size_t search_texts_bytes(const struct search_texts *texts)
{
    return texts->bytes;
}

void search_texts_forget(struct search_texts *texts, const struct account_id *account)
{
    if (texts == NULL)
        return;
    LIST_EACH (node, after, &texts->used) {
        struct search_page *page = CONTAINER_OF(node, struct search_page, link);

        if (memcmp(page->key, account->raw, sizeof(account->raw)) == 0)
            drop(texts, page);
    }
}

/* Account, page number, name in lower case. False: the name is too long. */
static bool make_key(const struct search_field *field, struct body_id body,
                     uint8_t key[KEY_BYTES_MAX], size_t *out_len)
{
    size_t at = sizeof(field->account.raw);

    if (field->name.len > SEARCH_FIELD_BYTES_MAX)
        return false;
    memcpy(key, field->account.raw, at);
    num_store_u64(key + at, search_page_of(body.value));
    at += 8;
    for (size_t i = 0; i < field->name.len; i++)
        key[at++] = (uint8_t)ascii_lower(field->name.at[i]);
    *out_len = at;
    return true;
}

static struct search_page *find_page(struct search_texts *texts, struct bytes key)
{
    struct search_page *page = map_get(&texts->pages, key);

    if (page != NULL) {
        list_remove(&page->link);
        list_push_back(&texts->used, &page->link);
    }
    return page;
}

const struct search_page *search_texts_page(struct search_texts *texts,
                                            const struct search_field *field, struct body_id body)
{
    uint8_t key[KEY_BYTES_MAX];
    size_t len;

    return make_key(field, body, key, &len) ? find_page(texts, bytes_make(key, len)) : NULL;
}

static struct search_page *new_page(struct search_texts *texts, struct bytes key)
{
    struct search_page *page = calloc(1, sizeof(*page));

    if (page == NULL)
        abort();
    memcpy(page->key, key.at, key.len);
    page->key_len = (uint32_t)key.len;
    page->text = buf_make(PAGE_TEXT_BYTES_MAX + 1);
    buf_add_byte(&page->text, 0);
    (void)map_set(&texts->pages, key, page);
    list_push_back(&texts->used, &page->link);
    return page;
}

static void count_again(struct search_texts *texts, struct search_page *page)
{
    texts->bytes -= page->bytes;
    page->bytes = sizeof(*page) + page->text.capacity;
    texts->bytes += page->bytes;
    while (texts->bytes > texts->bytes_max)
        drop(texts, CONTAINER_OF(list_first(&texts->used), struct search_page, link));
}

void search_texts_add(struct search_texts *texts, const struct search_field *field,
                      struct body_id body, struct bytes text)
{
    uint32_t place = search_page_place(body.value);
    uint8_t key[KEY_BYTES_MAX];
    struct search_page *page;
    size_t len;

    if (text.len > SEARCH_TEXT_BYTES_MAX || !make_key(field, body, key, &len))
        return;
    page = find_page(texts, bytes_make(key, len));
    if (page == NULL)
        page = new_page(texts, bytes_make(key, len));
    if (page->end[place] != 0)
        return;
    buf_add(&page->text, text);
    page->end[place] = (uint32_t)page->text.len;
    page->len[place] = (uint32_t)text.len;
    page->order[page->count++] = (uint16_t)place;
    count_again(texts, page);
}

bool search_page_text(const struct search_page *page, struct body_id body, struct bytes *out_text)
{
    uint32_t place = search_page_place(body.value);

    if (page->end[place] == 0)
        return false;
    *out_text =
        bytes_slice(buf_bytes(&page->text), page->end[place] - page->len[place], page->len[place]);
    return true;
}

/* The first text from `from` on, in their order, that ends behind `offset`. */
static uint32_t text_at(const struct search_page *page, uint32_t from, size_t offset)
{
    uint32_t low = from;
    uint32_t high = page->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (page->end[page->order[middle]] <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* No hit reaches from one text into the next: a NUL lies between. */
void search_page_find(const struct search_page *page, struct bytes key,
                      uint64_t hits[SEARCH_PAGE_BODIES / 64])
{
    struct bytes all = buf_bytes(&page->text);
    uint32_t number = 0;

    memset(hits, 0, SEARCH_PAGE_BODIES / 8);
    for (size_t at = bytes_find(all, 0, key); at < all.len; at = bytes_find(all, at, key)) {
        uint32_t place;

        number = text_at(page, number, at);
        place = page->order[number];
        hits[place / 64] |= UINT64_C(1) << place % 64;
        at = page->end[place];
    }
}
